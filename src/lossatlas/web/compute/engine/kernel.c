/* The batched network of lossatlas.engine as a WebAssembly kernel: the logits and the mean cross-entropy of many models on
 * the same inputs. No library, no allocation: the caller lays everything out in the exported memory after __heap_base.
 *
 * Four points fill a vector, VECTORS vectors a block. A block goes through all layers before the next one begins, so its
 * activations never leave the first-level cache. The inputs come as blocks too: inputs[block][feature][point].
 *
 * scripts/build_kernel.py compiles this twice: with plain SIMD, and with RELAXED, where a·b + c is one fused operation.
 */
#include <stdint.h>
#include <wasm_simd128.h>

enum { LANES = 4, VECTORS = 4, BLOCK = LANES * VECTORS, ROWS = 2 };
enum Activation { TANH, RELU, SIGMOID, GELU, LINEAR };

typedef float Floats __attribute__((vector_size(16)));
typedef int32_t Ints __attribute__((vector_size(16)));
typedef double Doubles __attribute__((vector_size(16)));
typedef Floats Unit[VECTORS]; /* one unit's values at a block of points */

typedef struct {
  int32_t label, count; /* `count` points in a row whose true class is `label`; they begin a new block */
} Run;

typedef struct {
  const int32_t *sizes; /* layer sizes [layers + 1], from the features to the K logits */
  int32_t layers;       /* weight matrices: hidden layers + 1 */
  int32_t activation;   /* enum Activation */
  int32_t residual;     /* does a hidden layer as wide as the hidden layer below add what it was given? */
  int32_t parameters;   /* P: floats from one model to the next */
  int32_t points;       /* N, without the padding */
  int32_t run_count;    /* how many runs the points come in */
  const Run *runs;      /* [run_count] */
  const float *inputs;  /* [block][feature][BLOCK], the last block of each run padded with any finite numbers */
  float *scratch;       /* two layers of activations [widest][BLOCK], then room for the output matrix [K][in + 1] */
  int32_t widest;       /* the largest of the sizes after the first */
} Problem;

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
/* Hides where a pointer came from, or the compiler derives it anew from others at every use: a tenth of the time. */
#define OPAQUE(pointer) __asm__("" : "+r"(pointer))
#define EXPORT(name) __attribute__((export_name(#name)))

/* ---- Four numbers at a time ------------------------------------------------------------------------------------- */

INLINE Floats all(float x) { return (Floats){x, x, x, x}; }

INLINE Floats everywhere(const float *x) { return (Floats)wasm_v128_load32_splat(x); }

/* a·b + c, rounded once where the machine can. */
INLINE Floats fma(Floats a, Floats b, Floats c) {
#ifdef RELAXED
  return (Floats)wasm_f32x4_relaxed_madd((v128_t)a, (v128_t)b, (v128_t)c);
#else
  return a * b + c;
#endif
}

/* min and max give x where x is no number, so that a NaN is never hidden. */
INLINE Floats min(Floats x, float y) { return (Floats)wasm_f32x4_pmin((v128_t)x, (v128_t)all(y)); }
INLINE Floats max(Floats x, Floats y) { return (Floats)wasm_f32x4_pmax((v128_t)x, (v128_t)y); }

/* tanh x as x·p(x²) / q(x²), degrees 9 and 8, the form of Eigen's generic_fast_tanh_float: a minimax fit on [0, 8.4] (1e-8)
 * whose coefficients were then moved by a few last bits until rounding cost least, with and without fused operations. Over
 * all floats the error is at most 3.6e-7, relative. From LIMIT on the result is ±1 exactly, either way of rounding: what
 * 1 + tanh(-20) left over GELU would multiply. */
INLINE Floats tanh4(Floats x) {
  const float LIMIT = 8.381f;
  x = max(min(x, LIMIT), all(-LIMIT));
  Floats y = x * x;
  Floats p = fma(all(1.44579415e-08f), y, all(2.13798121e-05f));
  p = fma(p, y, all(3.54162068e-03f));
  p = fma(p, y, all(1.34195834e-01f));
  p = fma(p, y, all(1.0f));
  Floats q = fma(all(8.21998356e-07f), y, all(3.36143246e-04f));
  q = fma(q, y, all(2.60514505e-02f));
  q = fma(q, y, all(4.67529118e-01f));
  q = fma(q, y, all(1.0f));
  return x * p / q;
}

INLINE Floats relu4(Floats x) { return max(x, all(0.0f)); }
INLINE Floats sigmoid4(Floats x) { return fma(tanh4(x * 0.5f), all(0.5f), all(0.5f)); }
INLINE Floats gelu4(Floats x) { /* ½x (1 + tanh(√(2/π) (x + 0.044715 x³))) */
  Floats inner = x * 0.7978845608f * fma(x * x, all(0.044715f), all(1.0f));
  return x * 0.5f * (tanh4(inner) + 1.0f);
}
INLINE Floats linear4(Floats x) { return x; }

/* exp x for x ≤ 0: 2ⁿ·exp r with x = n·ln 2 + r and |r| ≤ ½ ln 2 (Cephes, expf.c; ln 2 in two parts, Cody and Waite).
 * Adding 1.5·2²³ rounds to whole numbers and leaves n in the lowest bits. Below -88 the exponent field is 0: exactly 0. */
INLINE Floats exp4(Floats x) {
  const float ROUND = 12582912.0f;
  x = max(x, all(-88.0f));
  Floats shifted = fma(x, all(1.44269504f), all(ROUND)), n = shifted - ROUND;
  Floats r = fma(n, all(2.12194440e-4f), fma(n, all(-0.693359375f), x));
  Floats p = fma(all(1.9875691500e-4f), r, all(1.3981999507e-3f));
  p = fma(p, r, all(8.3334519073e-3f));
  p = fma(p, r, all(4.1665795894e-2f));
  p = fma(p, r, all(1.6666665459e-1f));
  p = fma(p, r, all(5.0000001201e-1f));
  p = fma(r * r, p, r) + 1.0f;
  return p * (Floats)(((Ints)shifted + 127) << 23);
}

/* log(1 + x) for x ≥ 0, with all digits of a small x: 1 + x = 2ᵉ(1 + g) with g in [√½ - 1, √2 - 1], where e = 0 leaves
 * g = x as it is; then log(1 + g) = 2 atanh t, t = g / (2 + g), the series of atanh made minimax on t² ≤ 0.0295. */
INLINE Floats log1p4(Floats x) {
  Ints e = ((Ints)(x + 1.0f) - 0x3f3504f3) >> 23; /* the bits of √½ */
  Floats scale = (Floats)((127 - e) << 23);
  Floats g = fma(x, scale, scale - 1.0f), t = g / (g + 2.0f), y = t * t;
  Floats p = fma(all(0.29871884f), y, all(0.39977536f));
  p = fma(p, y, all(0.66666776f));
  return fma(__builtin_convertvector(e, Floats), all(0.69314718f), fma(t * y, p, t * 2.0f));
}

/* ---- Layers ----------------------------------------------------------------------------------------------------- */

/* above[r] = f(Σᵢ matrix[r][i]·below[i] + matrix[r][in]) for `rows` rows: rows × VECTORS sums, all in registers. */
INLINE void product(const float *matrix, int in, const Unit *below, Unit *above, int rows, Floats (*f)(Floats)) {
  Floats sums[ROWS][VECTORS];
  const float *weights[ROWS];
  UNROLL for (int r = 0; r < rows; r++) {
    weights[r] = matrix + r * (in + 1);
    UNROLL for (int v = 0; v < VECTORS; v++) sums[r][v] = everywhere(weights[r] + in);
  }
  _Pragma("clang loop unroll(disable)") for (int i = 0; i < in; i++, below++) {
    OPAQUE(below);
    UNROLL for (int r = 0; r < rows; r++) {
      Floats weight = everywhere(weights[r]++);
      OPAQUE(weights[r]);
      UNROLL for (int v = 0; v < VECTORS; v++) sums[r][v] = fma((*below)[v], weight, sums[r][v]);
    }
  }
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int v = 0; v < VECTORS; v++) above[r][v] = f(sums[r][v]);
}

INLINE void layer(const float *matrix, int in, int out, const Unit *below, Unit *above, Floats (*f)(Floats)) {
  for (; out >= ROWS; out -= ROWS, matrix += ROWS * (in + 1), above += ROWS) {
    OPAQUE(matrix);
    OPAQUE(above);
    product(matrix, in, below, above, ROWS, f);
  }
  for (; out; out--, matrix += in + 1, above++) product(matrix, in, below, above, 1, f);
}

/* above += below: the identity skip of He et al. (2016). */
INLINE void skip(int units, const Unit *below, Unit *above) {
  for (int i = 0; i < units; i++)
    UNROLL for (int v = 0; v < VECTORS; v++) above[i][v] += below[i][v];
}

/* The hidden layers of one model on one block; gives the activations of the last (or the inputs). */
static __attribute__((noinline)) const Unit *hidden(const Problem *is, const float *model, const Unit *below) {
  for (int l = 0; l < is->layers - 1; l++) {
    int in = is->sizes[l], out = is->sizes[l + 1];
    Unit *above = (Unit *)is->scratch + l % 2 * is->widest;
    switch (is->activation) {
    case TANH: layer(model, in, out, below, above, tanh4); break;
    case RELU: layer(model, in, out, below, above, relu4); break;
    case SIGMOID: layer(model, in, out, below, above, sigmoid4); break;
    case GELU: layer(model, in, out, below, above, gelu4); break;
    default: layer(model, in, out, below, above, linear4);
    }
    if (is->residual && l > 0 && in == out) skip(out, below, above);
    model += out * (in + 1);
    below = above;
  }
  return below;
}

/* The last matrix [K][in + 1] of a model. */
INLINE const float *last_matrix(const Problem *is, const float *model) {
  return model + is->parameters - is->sizes[is->layers] * (is->sizes[is->layers - 1] + 1);
}

INLINE Unit *output(const Problem *is) { return (Unit *)is->scratch + (is->layers - 1) % 2 * is->widest; }

/* ---- Losses ----------------------------------------------------------------------------------------------------- */

/* The rows of the last matrix without the one of the true class, each less that one: their products with the last hidden
 * layer are the logits relative to the true class, d_k = z_k - z_label. */
static float *relative_to(const Problem *is, const float *matrix, int label) {
  int width = is->sizes[is->layers - 1] + 1;
  float *relative = is->scratch + 2 * is->widest * BLOCK, *to = relative;
  for (int k = 0; k < is->sizes[is->layers]; k++)
    if (k != label)
      for (int i = 0; i < width; i++) *to++ = matrix[k * width + i] - matrix[label * width + i];
  return relative;
}

/* log(1 + Σ_k exp d_k) as M + log1p(Σ exp(d_k - M) + exp(-M) - 1), M = max(0, max_k d_k): nothing overflows, and where
 * M = 0 the sum has all the digits of a small loss. For one d that is max(d, 0) + log1p(exp(-|d|)). */
INLINE Floats cross_entropy(const Unit *relative, int others, int v) {
  Floats most = max(relative[0][v], all(0.0f));
  if (others == 1) return most + log1p4(exp4((Floats)wasm_f32x4_min((v128_t)relative[0][v], (v128_t)-relative[0][v])));
  for (int k = 1; k < others; k++) most = max(most, relative[k][v]);
  Floats sum = exp4(-most) - 1.0f;
  for (int k = 0; k < others; k++) sum += exp4(relative[k][v] - most);
  return most + log1p4(sum);
}

/* The sum of the losses of a block's first `count` points, in double. */
INLINE double block_sum(const Unit *relative, int others, int count) {
  Doubles sums = {0, 0};
  for (int v = 0; v < VECTORS; v++) {
    Ints place = (Ints){0, 1, 2, 3} + v * LANES;
    Floats loss = (Floats)((Ints)cross_entropy(relative, others, v) & (place < count));
    sums += __builtin_convertvector(__builtin_shufflevector(loss, loss, 0, 1), Doubles);
    sums += __builtin_convertvector(__builtin_shufflevector(loss, loss, 2, 3), Doubles);
  }
  return sums[0] + sums[1];
}

/* Where the arithmetic gave inf - inf the loss is beyond float32; only a parameter that is no number makes it NaN. */
static float finished(double mean, const float *model, int parameters) {
  if (mean == mean) return (float)mean;
  for (int i = 0; i < parameters; i++)
    if (model[i] != model[i]) return __builtin_nanf("");
  return __builtin_inff();
}

/* Mean cross-entropy of one model [P], in nats. */
static float loss(const Problem *is, const float *model) {
  int in = is->sizes[is->layers - 1], others = is->sizes[is->layers] - 1;
  const float *inputs = is->inputs;
  double total = 0;
  for (const Run *run = is->runs; run < is->runs + is->run_count; run++) {
    const float *matrix = relative_to(is, last_matrix(is, model), run->label);
    for (int start = 0; start < run->count; start += BLOCK, inputs += is->sizes[0] * BLOCK) {
      layer(matrix, in, others, hidden(is, model, (const Unit *)inputs), output(is), linear4);
      total += block_sum(output(is), others, run->count - start);
    }
  }
  return finished(total / is->points, model, is->parameters);
}

/* Losses [count] of models [count][P]. */
EXPORT(losses) void losses(const Problem *is, const float *models, int count, float *result) {
  for (int b = 0; b < count; b++) result[b] = loss(is, models + b * is->parameters);
}

/* Losses [count] at places [count][a, b] of a plane [centre, first, second][P]. Each model is made, in `model` [P], where
 * it is needed, (a·first + b·second) + centre in that order: the model that lossatlas.engine evaluates, bit for bit. */
EXPORT(losses_at) void losses_at(const Problem *is, const float *plane, const float *places, int count, float *model, float *result) {
  const float *first = plane + is->parameters, *second = first + is->parameters;
  for (int m = 0; m < count; m++) {
    float a = places[2 * m], b = places[2 * m + 1];
    for (int p = 0; p < is->parameters; p++) model[p] = a * first[p] + b * second[p] + plane[p];
    result[m] = loss(is, model);
  }
}

/* Logits [count][block][K][BLOCK] of models [count][P]. */
EXPORT(logits) void logits(const Problem *is, const float *models, int count, float *result) {
  int in = is->sizes[is->layers - 1], out = is->sizes[is->layers];
  for (int b = 0; b < count; b++) {
    const float *model = models + b * is->parameters, *inputs = is->inputs;
    for (const Run *run = is->runs; run < is->runs + is->run_count; run++)
      for (int start = 0; start < run->count; start += BLOCK, inputs += is->sizes[0] * BLOCK, result += out * BLOCK)
        layer(last_matrix(is, model), in, out, hidden(is, model, (const Unit *)inputs), (Unit *)result, linear4);
  }
}
