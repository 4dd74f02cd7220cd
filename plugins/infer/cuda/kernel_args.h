// What kernels are called with: plain data, the same for the compiler of the device and that of the
// host. Pointers are to memory of the device.
//
// Matrices are row-major without gaps unless a stride is given. Activations are f16 between kernels
// and f32 inside; the residual stream, norms, softmax and logits are f32.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_KERNEL_ARGS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_KERNEL_ARGS_H_

#include <cstdint>

namespace rules_inference::infer::cuda {

// A number of 16 bits, of which only kernels know the value.
struct Half {
  uint16_t bits;
};

// As in TensorType, less f32: such matrices become f16 on their way to the device.
enum class WeightType : int { kF16, kQ4_0, kQ4_1, kQ5_0, kQ5_1, kQ8_0 };

constexpr int kBlock = 32;
constexpr int kHead = 64;
// Of a row that is normalized: 32 heads.
constexpr int kMostColumns = 2048;
// Rows that are few enough for kernels that read each weight once and use no tensor cores.
constexpr int kFewRows = 8;

// A matrix of weights, [row][column]; columns are a multiple of kBlock. The parts of ggml's blocks
// lie in planes, so that each is read in aligned words: the same bytes in another order.
struct Weight {
  WeightType type = WeightType::kF16;
  int rows = 0;
  int columns = 0;
  // f16: Half[row][column]. Else 16 bytes for each block, 32 in q8_0.
  const void* quants = nullptr;
  // Of q5: a word for each block.
  const uint32_t* fifth = nullptr;
  // One for each block; two, scale and minimum, in q4_1 and q5_1.
  const Half* scales = nullptr;
};

// What becomes of a product: in this order, and each is left out where it is null.
struct Epilogue {
  const float* bias = nullptr;  // [column]
  int gelu = 0;
  // [row % add_period][column]; may be `out`.
  const float* add = nullptr;
  int add_period = 1;
  float* out = nullptr;
  Half* out_half = nullptr;
  // Row r of the product goes to out_table[r / table_rows], row r % table_rows.
  Half* const* out_table = nullptr;
  int table_rows = 1;
};

// out = in * transposed(weight). `in` is [rows][weight.columns], `rows` more than 0.
struct GemmArgs {
  Weight weight;
  const Half* in = nullptr;
  int rows = 0;
  Epilogue epilogue;
};

// The same, for up to kFewRows rows.
struct GemvArgs {
  Weight weight;
  const Half* in = nullptr;
  int rows = 0;
  Epilogue epilogue;
};

// out = weight, as f16.
struct UnpackArgs {
  Weight weight;
  Half* out = nullptr;
};

// What a library leaves of an epilogue, in place, of `values` or of `halves`.
struct FinishArgs {
  float* values = nullptr;
  Half* halves = nullptr;
  int rows = 0;
  int columns = 0;
  int gelu = 0;
  // [row % add_period][column]
  const float* add = nullptr;
  int add_period = 1;
};

struct NormArgs {
  const float* in = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;
  Half* out = nullptr;
  int rows = 0;
  int columns = 0;
};

// Rows of three neighbours for convolutions: out[window][frame][channel * 3 + k] is
// in[window][frame * stride + k - 1][channel], 0 beside the ends, and 0 from 3 * channels on.
struct UnfoldArgs {
  // One of the two.
  const float* in = nullptr;
  const Half* in_half = nullptr;
  Half* out = nullptr;
  int windows = 0;
  int in_frames = 0;
  int out_frames = 0;
  int stride = 1;
  int channels = 0;
  int columns = 0;
};

// Attention without a mask for many queries. Heads are neighbours in a row.
struct FlashArgs {
  const Half* query = nullptr;
  const Half* key = nullptr;
  const Half* value = nullptr;
  Half* out = nullptr;
  // From row to row, in elements.
  int query_stride = 0;
  int key_stride = 0;  // Of keys and values.
  int out_stride = 0;
  int heads = 0;
  int queries = 0;
  int keys = 0;
  // Of independent problems: windows. Their rows follow each other.
  int batch = 1;
};

// A row of a step of the decoder: one new token of one sequence.
struct Row {
  // Keys and values of the decoding: [layer][key, value][slot][state].
  Half* cache = nullptr;
  // Keys and values of the window: [layer][position][key, value][state].
  const Half* cross = nullptr;
  // Slot of each earlier position; null: a slot is its position.
  const int* slots = nullptr;
  int slot_count = 0;
  int slot = 0;
  int token = 0;
  int position = 0;
  // First new position of the sequence in this step, and the row that has it.
  int base = 0;
  int base_row = 0;
  // 0: nothing is wanted of the row.
  int active = 0;
};

// out[row] = embedding of the token + embedding of its position.
struct EmbedArgs {
  const Row* row_info = nullptr;
  Weight embedding;
  const float* positions = nullptr;
  float* out = nullptr;
  int rows = 0;
};

// Attention of new tokens to those before them. Also stores their keys and values.
struct SelfAttentionArgs {
  const Row* row_info = nullptr;
  // [row][query, key, value][state]
  const Half* qkv = nullptr;
  Half* out = nullptr;
  int rows = 0;
  int heads = 0;
  int layer = 0;
  // Largest position of the step, and one; for graphs, of any step.
  int positions = 0;
};

// Attention of few rows to their windows, each head in `splits` pieces of the keys.
struct CrossAttentionArgs {
  const Row* row_info = nullptr;
  const Half* query = nullptr;  // [row][state]
  Half* out = nullptr;
  // Of several pieces: [row][head][split][kHead + 2], the sum, its weight and the largest score.
  float* partial = nullptr;
  int rows = 0;
  int heads = 0;
  int layer = 0;
  int keys = 0;
  int splits = 1;
};

struct CombineArgs {
  const float* partial = nullptr;
  Half* out = nullptr;
  int rows = 0;
  int heads = 0;
  int splits = 0;
};

// out[i] = in[rows[i]].
struct GatherArgs {
  const Half* in = nullptr;
  const int* rows = nullptr;
  Half* out = nullptr;
  int count = 0;
  int columns = 0;
};

// out[head][row][frame]: products of queries and keys of a layer, scaled.
struct ScoresArgs {
  const Half* query = nullptr;
  const Half* cross = nullptr;
  // Which heads, and where in `out` each belongs.
  const int* heads = nullptr;
  const int* places = nullptr;
  float* out = nullptr;
  int head_count = 0;
  int rows = 0;
  int layer = 0;
  int keys = 0;
  int frames = 0;
  int state = 0;
};

// out[i] = probability of ids[i] in row i among the ids below `limit`.
struct ProbabilityArgs {
  const float* logits = nullptr;
  const int* ids = nullptr;
  float* out = nullptr;
  int rows = 0;
  int vocab = 0;
  int limit = 0;
};

// LogitRules of a sequence that is decoded greedily, and how far it is.
struct Greedy {
  // A bit for each id, set where it is suppressed: always, and as the first token.
  const uint32_t* suppressed = nullptr;
  const uint32_t* suppressed_first = nullptr;
  int timestamps = 0;
  int end_of_text = 0;
  int first_timestamp = 0;
  int no_timestamps = 0;
  // Latest time that may begin the text; -1: any.
  int max_initial_steps = -1;
  int max_tokens = 0;
  int context = 0;
  // [max_tokens]
  int* tokens = nullptr;

  int count = 0;
  int done = 0;
  // Done because the context has no room for one more, nothing else.
  int full = 0;
  // Of `tokens`; -1 where there is none yet.
  int last = -1;
  int before_last = -1;
  int last_timestamp = -1;
  double sum = 0;
};

// Chooses the next token of each row by its logits and readies the row for it.
struct GreedyArgs {
  const float* logits = nullptr;
  Greedy* greedy = nullptr;
  Row* row_info = nullptr;
  int rows = 0;
  int vocab = 0;
};

enum class Kernel : int {
  kGemm,
  kGemv,
  kUnpack,
  kFinish,
  kNorm,
  kUnfold,
  kFlash,
  kEmbed,
  kSelfAttention,
  kCrossAttention,
  kCombine,
  kGather,
  kScores,
  kProbability,
  kGreedy,
};

// No args are larger.
constexpr int kMaxArgs = 256;

constexpr Kernel KernelOf(const GemmArgs&) { return Kernel::kGemm; }
constexpr Kernel KernelOf(const GemvArgs&) { return Kernel::kGemv; }
constexpr Kernel KernelOf(const UnpackArgs&) { return Kernel::kUnpack; }
constexpr Kernel KernelOf(const FinishArgs&) { return Kernel::kFinish; }
constexpr Kernel KernelOf(const NormArgs&) { return Kernel::kNorm; }
constexpr Kernel KernelOf(const UnfoldArgs&) { return Kernel::kUnfold; }
constexpr Kernel KernelOf(const FlashArgs&) { return Kernel::kFlash; }
constexpr Kernel KernelOf(const EmbedArgs&) { return Kernel::kEmbed; }
constexpr Kernel KernelOf(const SelfAttentionArgs&) { return Kernel::kSelfAttention; }
constexpr Kernel KernelOf(const CrossAttentionArgs&) { return Kernel::kCrossAttention; }
constexpr Kernel KernelOf(const CombineArgs&) { return Kernel::kCombine; }
constexpr Kernel KernelOf(const GatherArgs&) { return Kernel::kGather; }
constexpr Kernel KernelOf(const ScoresArgs&) { return Kernel::kScores; }
constexpr Kernel KernelOf(const ProbabilityArgs&) { return Kernel::kProbability; }
constexpr Kernel KernelOf(const GreedyArgs&) { return Kernel::kGreedy; }

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_KERNEL_ARGS_H_
