/**
 * The shapes that the page reads (docs/run-format.md) and passes around. Types only: this module has no run-time
 * content.
 *
 * @typedef {Record<string, unknown>} Config one configuration, opaque to the page but for the keys it offers to choose
 *
 * @typedef {{file: string, dtype: string, shape: number[], axes: string[], what: string, scale_factor?: number}}
 *   ArrayEntry
 * @typedef {{name: string, mean: number, scale: number}} Feature
 * @typedef {{train_loss: number[], test_loss: number[], train_accuracy: number[], test_accuracy: number[]}} Metrics one
 *   number a frame
 * @typedef {{status: string, epoch?: number, message?: string}} Outcome
 *
 * @typedef {object} PlaneEntry what is optional, older runs lack
 * @property {string} name
 * @property {string} kind
 * @property {string} [title] a few words
 * @property {string} what a sentence: what the slice shows
 * @property {string} [hides] a sentence: what it does not
 * @property {number | null} [centre_frame] the frame at the fixed view's centre, if it is one of this run's
 * @property {number} [cosine] between the two directions
 * @property {boolean} [orthonormal]
 * @property {number | null} [explained_variance] share of the trajectory's variance that lies in the plane
 * @property {number | null} [random_walk] the share that a random walk would put into its own PCA plane
 * @property {[number, number] | null} [eigenvalues] of the directions, in a Hessian plane
 * @property {{name: string, a: number, b: number}[]} [anchors] the points that a plane was laid through
 * @property {{share: number, threshold: number, grid: number, span: number} | null} [nonconvexity]
 * @property {number} [drawn] the seed of directions that are drawn in the page; such a plane has no arrays
 * @property {number[]} spans in the order of the arrays' span axis; the one to show first is first
 * @property {Record<string, ArrayEntry>} arrays
 *
 * @typedef {object} Curvature of the training loss, measured at some of the frames
 * @property {number[]} frames
 * @property {number[]} largest eigenvalue of the Hessian (the sharpness)
 * @property {number[]} smallest
 * @property {number[]} trace
 * @property {number[] | null} [trace_error]
 * @property {number[]} adaptive_sharpness
 * @property {number[] | null} negative how many eigenvalues are below zero
 * @property {number} parameters
 * @property {number | null} stability the sharpness beyond which the optimizer's steps overshoot
 * @property {string | null} [stability_formula] by which that was computed, as `2(1 + β)/η − λ`; older runs lack it
 *
 * @typedef {object} Manifest run.json
 * @property {number} format_version
 * @property {string} id
 * @property {string} title
 * @property {'recorded'} [source] somebody's own training; absent if the package computed the run
 * @property {{name: string, unit: string}} [loss] what the losses of a recorded run are
 * @property {{eval_train_loss: (number | null)[], eval_test_loss: (number | null)[]}} [in_use] of a recorded run, the
 *   losses with the statistics that BatchNorm keeps
 * @property {{kind: 'inputs' | 'samples', equal: boolean, anchors: string[]} | null} [boundary] of a recorded run; null: it
 *   has no boundary
 * @property {Config} config
 * @property {{name: string, title: string, features: Feature[], classes: string[], train_points: number, test_points:
 *   number, run?: string}} dataset `run`: of a training in the page on own points, a stored run that has them
 * @property {{title: string, layers: number[], activation: string, residual?: boolean, parameters: number}} model
 * @property {number[]} frames the epoch of each frame
 * @property {Metrics} metrics
 * @property {Outcome} outcome
 * @property {Record<string, ArrayEntry>} arrays
 * @property {PlaneEntry[]} planes
 * @property {Curvature | null} [curvature]
 * @property {{name: string, why: string}[]} [left_out] planes that could not be laid through this training
 *
 * @typedef {object} GalleryEntry
 * @property {string} id
 * @property {'recorded'} [source] somebody's own training, whose `config` is empty and whose `model` has a title and
 *   `parameters` only
 * @property {string} title
 * @property {{name: string, title: string, features?: string[], classes?: string[], thumbnail?: Thumbnail}} dataset the
 *   last three of own points only
 * @property {{title: string, hidden: number[], activation: string, residual?: boolean, parameters: number}} model
 * @property {Config} config
 * @property {Outcome} outcome
 * @property {number} epochs
 * @property {number} frames
 *
 * @typedef {{x: number[], y: number[], label: number[]}} Thumbnail
 * @typedef {{name: string, title: string, summary: string, features: string[], classes: string[], noise?: number,
 *   config: Config, thumbnail: Thumbnail, run?: string}} CatalogDataset `noise`: the usual, of one that is known by
 *   name; `run`: of own points, a run that has them
 *
 * @typedef {object} Catalog
 * @property {string} version
 * @property {boolean} compute is there a server that computes what the gallery lacks?
 * @property {Config} default
 * @property {{name: string, title: string}[]} activations
 * @property {CatalogDataset[]} datasets
 * @property {import('./constants.js').Constants} constants
 *
 * @typedef {{dataset: string, hidden: number[], activation: string, residual: boolean, run: string | null}} Choice what
 *   the side panels say
 *
 * @typedef {{x: number, y: number, z: number}} Eye where the camera stands; it looks at the centre
 *
 * @typedef {object} State everything that a link carries
 * @property {string} dataset
 * @property {number[]} hidden
 * @property {string} activation
 * @property {boolean} residual kept through hidden layers that can have no skip, though it means nothing there
 * @property {string | null} run a run that the panels alone do not imply
 * @property {import('./settings.js').Settings | null} train what is trained in this page; null: a recorded run is on
 *   show
 * @property {import('./settings.js').Sample | null} sample the points that are drawn for it; null: the usual ones
 * @property {string | null} own a person's own data, as text (points/own.js); null: the dataset that is chosen
 * @property {number | null} epoch null: wherever the first view puts it
 * @property {number | null} zoom the span shown; null: the run's first
 * @property {'linear' | 'log'} scale
 * @property {'training' | 'frame'} range which losses the vertical axis and the colours span
 * @property {Eye} camera
 * @property {string | null} plane null: the run's first
 * @property {number | null} seed of new random directions, drawn in the page; null: those of the plane
 * @property {View} view
 * @property {LossSet} set whose loss
 * @property {boolean} follow does the plane move with the parameters, where it can?
 * @property {boolean} path is the path drawn, where there is one to draw?
 * @property {'loss' | 'curvature'} timeline
 * @property {boolean} ball is the network at that point being trained on?
 * @property {string | null} tour the stop of the tour that is open (tour/stops.js)
 * @property {[number, number] | null} pick the point (a, b) whose network is shown at the right; null: the network
 *   itself
 *
 * @typedef {'surface' | 'contours' | 'section'} View
 * @typedef {'train' | 'test' | 'gap'} LossSet `gap` is test − train
 *
 * @typedef {object} Slice what of a run's landscape is shown: the state, as far as the run can follow it
 * @property {PlaneEntry} plane
 * @property {boolean} computed in the page, as no array has it
 * @property {number} spanIndex in the arrays; -1 where it is computed
 * @property {number} span
 * @property {LossSet} set
 * @property {boolean} follow true: around the frame's parameters; false: around the plane's fixed centre
 * @property {boolean} path
 * @property {View} view
 * @property {'linear' | 'log'} scale
 * @property {'training' | 'frame'} range
 * @property {[number, number] | null} pick
 * @property {boolean} ball
 *
 * @typedef {object} Seen what a model predicts: classes over the meshgrid with their confidence in steps of 1/255, and
 *   of the data points
 * @property {import('../loading/npy.js').Numbers} predicted_class
 * @property {import('../loading/npy.js').Numbers} confidence
 * @property {import('../loading/npy.js').Numbers} point_predicted_class
 *
 * @typedef {Slice & {run: import('./run.js').Run, frame: number}} Shot everything the two plots need for one picture
 *
 * @typedef {object} Status what the page has to say about the run asked for
 * @property {'quiet' | 'note' | 'loading' | 'queued' | 'computing' | 'away' | 'failed' | 'diverged' | 'unavailable' |
 *   'lacking' | 'cancelled'} kind
 * @property {string} [text]
 * @property {string} [detail]
 * @property {number} [progress] share done, 0 to 1
 */
export {};
