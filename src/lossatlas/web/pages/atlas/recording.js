/** This module loads the view of trainings that are being recorded, when the first one is shown. */
/** @import {Recording} from '../../loading/live.js' */
import {createLazy} from '../../lib/lazy.js';

/** @param {(text: string, error: unknown) => void} onFailed */
export function createLazyRecording(onFailed) {
  const view = createLazy({
    load: () => import('../../features/recording/recording.js'),
    create: ({createRecordingView}) => createRecordingView(),
    styles: ['features/recording/recording.css'],
  });
  /** The newest state of the recording that is shown. @type {Recording | null} */
  let shown = null;
  return {
    /** @param {Recording} recording */
    show(recording) {
      shown = recording;
      view.request().then(
        ({show}) => shown && show(shown),
        (error) => onFailed('This recording could not be shown', error),
      );
    },
    hide() {
      shown = null;
      view.known()?.hide();
    },
  };
}
