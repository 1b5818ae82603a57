/**
 * This module defines the types of the data that the page reads (docs/run-format.md) and passes on. It contains no
 * code.
 *
 * @typedef {Record<string, unknown>} Config a configuration; the page reads only the keys that a person can choose
 *
 * @typedef {object} ArrayEntry
 * @property {string} file
 * @property {string} dtype
 * @property {number[]} shape
 * @property {string[]} axes
 * @property {string} what
 * @property {number} [scale_factor]
 * @property {string} [sha256] of the file; older runs lack it
 * @typedef {{name: string, mean: number, scale: number}} Feature
 * @typedef {{train_loss: number[], test_loss: number[], train_accuracy: number[], test_accuracy: number[]}} Metrics one
 *   number per frame
 * @typedef {{status: string, epoch?: number, message?: string}} Outcome
 *
 * @typedef {object} PlaneEntry a plane in the manifest; older runs lack the optional properties
 * @property {string} name
 * @property {string} kind
 * @property {string} [title] a title of a few words
 * @property {string} what a sentence that says what the slice shows
 * @property {string} [hides] a sentence that says what the slice does not show
 * @property {number | null} [centre_frame] the frame at the centre of the fixed plane, if a frame is there
 * @property {number} [cosine] the cosine of the angle between the two directions
 * @property {boolean} [orthonormal]
 * @property {number | null} [explained_variance] the share of the trajectory's variance that lies in the plane
 * @property {number | null} [random_walk] the share that a random walk would have in its own PCA plane
 * @property {[number, number] | null} [eigenvalues] the eigenvalues of the directions of a Hessian plane
 * @property {{name: string, a: number, b: number}[]} [anchors] the points that the plane goes through
 * @property {{share: number, threshold: number, grid: number, span: number} | null} [nonconvexity]
 * @property {Record<'train' | 'test', 'batch' | 'refreshed' | 'running'> | null} [batchnorm] the statistics with which
 *   BatchNorm normalises in the surfaces of a recorded run; null: it has no BatchNorm
 * @property {number} [drawn] the seed of directions that are drawn in the page; such a plane has no arrays
 * @property {number[]} spans the spans in the order of the arrays' span axis; the first one is shown first
 * @property {Record<string, ArrayEntry>} arrays
 *
 * @typedef {object} Curvature the curvature of the training loss, measured at some of the frames
 * @property {number[]} frames the indices of these frames
 * @property {number[]} largest the largest eigenvalue of the Hessian (the sharpness)
 * @property {number[]} smallest the smallest eigenvalue
 * @property {number[]} trace
 * @property {number[] | null} [trace_error]
 * @property {number[]} adaptive_sharpness
 * @property {number[] | null} negative the number of negative eigenvalues
 * @property {number} parameters
 * @property {number | null} stability the sharpness beyond which gradient descent is not stable
 * @property {string | null} [stability_formula] the formula of that bound, such as `2(1 + β)/η − λ`; older runs lack it
 *
 * @typedef {object} Manifest the content of run.json
 * @property {number} format_version
 * @property {string} id
 * @property {string} title
 * @property {'recorded'} [source] somebody's own training; absent if the package computed the run
 * @property {{name: string, unit: string}} [loss] the name and the unit of the losses of a recorded run
 * @property {{eval_train_loss: (number | null)[], eval_test_loss: (number | null)[]}} [in_use] the losses of a recorded
 *   run with the statistics that BatchNorm keeps
 * @property {{kind: 'inputs' | 'projection' | 'samples', equal: boolean, anchors: string[], classes?: number[],
 *   explained_variance?: number | null} | null} [boundary] the plane of inputs of a recorded run; null if it has no
 *   boundary. `classes`: the classes that occur
 * @property {Config} config
 * @property {{name: string, title: string, features: Feature[], classes: string[], train_points: number, test_points:
 *   number, samples?: {train: number, test: number}, run?: string}} dataset `run`: a stored run that contains the own
 *   points on which the page trains
 * @property {{title: string, layers: number[], activation: string, residual?: boolean, parameters: number}} model
 * @property {number[]} frames the epoch of each frame
 * @property {Metrics} metrics
 * @property {Outcome} outcome
 * @property {Record<string, ArrayEntry>} arrays
 * @property {PlaneEntry[]} planes
 * @property {Curvature | null} [curvature]
 * @property {{name: string, why: string}[]} [left_out] the planes that could not be made from this training
 *
 * @typedef {object} GalleryEntry
 * @property {string} id
 * @property {'recorded'} [source] somebody's own training; then `config` is empty, and `model` has only a title and
 *   `parameters`
 * @property {string} title
 * @property {{name: string, title: string, features?: string[], classes?: string[], thumbnail?: Thumbnail}} dataset
 *   only own points have the last three properties
 * @property {{title: string, hidden: number[], activation: string, residual?: boolean, parameters: number}} model
 * @property {Config} config
 * @property {Outcome} outcome
 * @property {number} epochs
 * @property {number} frames
 *
 * @typedef {{x: number[], y: number[], label: number[]}} Thumbnail
 * @typedef {{name: string, title: string, summary: string, features: string[], classes: string[], noise?: number,
 *   config: Config, thumbnail: Thumbnail, run?: string}} CatalogDataset `noise`: the default noise of a named dataset;
 *   `run`: a run that contains these own points
 *
 * @typedef {object} Catalog
 * @property {string} version
 * @property {boolean} compute is there a server that computes what the gallery lacks?
 * @property {boolean} [read_only] is there a server that only shows what is stored?
 * @property {Config} default
 * @property {{name: string, title: string}[]} activations
 * @property {CatalogDataset[]} datasets
 * @property {import('./constants.js').Constants} constants
 *
 * @typedef {{dataset: string, hidden: number[], activation: string, residual: boolean, run: string | null}} Choice the
 *   choices in the side panels
 *
 * @typedef {{x: number, y: number, z: number}} Eye the position of the camera, which looks at the centre
 *
 * @typedef {object} State the state of the page, which is everything that a link contains
 * @property {string} dataset
 * @property {number[]} hidden
 * @property {string} activation
 * @property {boolean} residual should layers have skip connections? It is kept while the chosen layers cannot have any
 * @property {string | null} run the id of a run; null: the run that the panels imply
 * @property {import('./settings.js').Settings | null} train the settings of the training in this page; null: a stored
 *   run is shown
 * @property {import('./settings.js').Sample | null} sample the points that are drawn for it; null: the usual ones
 * @property {string | null} own a person's own data, as text (compute/datasets/own.js); null: the chosen dataset
 * @property {number | null} epoch the epoch that is shown; null: the one of the first view
 * @property {number | null} zoom the span that is shown; null: the first span of the plane
 * @property {'linear' | 'log'} scale
 * @property {'training' | 'frame'} range do the vertical axis and the colours cover the losses of the whole training,
 *   or those of one frame?
 * @property {Eye} camera
 * @property {string | null} plane the name of the plane; null: the first plane of the run
 * @property {number | null} seed the seed of new random directions, drawn in the page; null: those of the plane
 * @property {View} view
 * @property {LossSet} set the points of the loss
 * @property {boolean} follow does the plane move with the parameters, if it can?
 * @property {boolean} path is the path drawn, if there is one?
 * @property {'loss' | 'curvature'} timeline
 * @property {boolean} ball is a ball released at the picked point, which continues the training from there?
 * @property {[number, number] | null} play the epochs between which the page is to play, or plays, because a link asks
 *   for it
 * @property {number | null} speed the speed of that playback; null: the one that is chosen
 * @property {string | null} story the story that is open: the name of a file of the site, or where else it is
 *   (features/tour/carried.js); null: the tour
 * @property {string | null} tour the name of the open stop of the story
 * @property {string | null} stops the story itself, if the address carries it
 * @property {true | null} present is the page a presentation, with large type and without panels?
 * @property {[number, number] | null} pick the point (a, b) whose network the right plot shows; null: the network of
 *   the frame
 *
 * @typedef {'surface' | 'contours' | 'section'} View
 * @typedef {'train' | 'test' | 'gap'} LossSet `gap` is test − train
 *
 * @typedef {object} Slice the part of a run's landscape that is shown: the state, as far as the run can follow it
 * @property {PlaneEntry} plane
 * @property {boolean} computed does the page compute the surface, because no array contains it?
 * @property {number} spanIndex the index of the span in the arrays; -1 if the surface is computed
 * @property {number} span
 * @property {LossSet} set
 * @property {boolean} follow true: the plane is around the frame's parameters; false: it is around its fixed centre
 * @property {boolean} path
 * @property {View} view
 * @property {'linear' | 'log'} scale
 * @property {'training' | 'frame'} range
 * @property {[number, number] | null} pick
 * @property {boolean} ball
 *
 * @typedef {object} Seen the predictions of a model: the classes over the meshgrid with their probabilities, which are
 *   `confidence` × 1/255, and the classes of the data points
 * @property {import('../loading/npy.js').Numbers} predicted_class
 * @property {import('../loading/npy.js').Numbers} confidence
 * @property {import('../loading/npy.js').Numbers} point_predicted_class
 * @property {import('../loading/npy.js').Numbers} [margin] by how much the logit of the predicted class exceeds the
 *   next one, over the meshgrid, as bytes (figures/border.js)
 *
 * @typedef {Slice & {run: import('./run.js').Run, frame: number}} Shot everything that the two plots need for one
 *   picture
 *
 * @typedef {object} Status a message about the requested run
 * @property {'quiet' | 'note' | 'loading' | 'queued' | 'computing' | 'away' | 'failed' | 'diverged' | 'unavailable' |
 *   'lacking' | 'cancelled'} kind
 * @property {string} [text]
 * @property {string} [detail]
 * @property {number} [progress] the share of the work that is done, from 0 to 1
 */
export {};
