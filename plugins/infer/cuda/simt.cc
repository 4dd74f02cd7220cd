#include "plugins/infer/cuda/simt.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "plugins/infer/tensor_type.h"

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace rules_inference::infer::cuda::simt {
namespace {

constexpr int kLanes = 32;
constexpr size_t kStack = size_t{64} << 10;

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "simt: %s\n", what);
  std::abort();
}

// Where a fiber was when it was left.
#if defined(__x86_64__)

struct Point {
  void* stack = nullptr;
};

}  // namespace

// Leaves on the stack what the System V ABI keeps over a call, and goes on with another stack. What
// ucontext does besides, a system call for the mask of signals, takes most of its time.
extern "C" void rules_inference_simt_switch(void** from, void* to);
asm(R"(
.text
.p2align 4
.globl rules_inference_simt_switch
.hidden rules_inference_simt_switch
.type rules_inference_simt_switch, @function
rules_inference_simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size rules_inference_simt_switch, .-rules_inference_simt_switch
)");

namespace {

void Switch(Point& from, Point& to) { rules_inference_simt_switch(&from.stack, to.stack); }

void Prepare(Point& point, char* stack, void (*entry)()) {
  // As if `entry` had been called: 8 less than a multiple of 16 when it starts.
  auto top = reinterpret_cast<uintptr_t>(stack + kStack) & ~uintptr_t{15};
  auto* words = reinterpret_cast<void**>(top - 16);
  words[0] = reinterpret_cast<void*>(entry);
  words[1] = nullptr;
  words -= 6;
  std::fill(words, words + 6, nullptr);
  point.stack = words;
}

#else

struct Point {
  ucontext_t context;
};

void Switch(Point& from, Point& to) { swapcontext(&from.context, &to.context); }

void Prepare(Point& point, char* stack, void (*entry)()) {
  getcontext(&point.context);
  point.context.uc_stack.ss_sp = stack;
  point.context.uc_stack.ss_size = kStack;
  point.context.uc_link = nullptr;
  makecontext(&point.context, entry, 0);
}

#endif

enum class State { kReady, kInWarp, kInBlock, kDone };
enum class Exchange { kNone, kShuffle, kSums, kMax, kMatrices, kMma };

struct Copy {
  void* to;
  const void* from;
  bool valid;
};

void Perform(const Copy& copy) {
  if (copy.valid) {
    std::memcpy(copy.to, copy.from, 16);
  } else {
    std::memset(copy.to, 0, 16);
  }
}

struct Thread {
  Point point;
  State state = State::kDone;
  int index = 0;
  // How many exchanges it has begun.
  unsigned exchanges = 0;
  std::vector<Copy> open;
  std::deque<std::vector<Copy>> groups;
};

// What the lanes of a warp bring to an exchange, and take from it. There are two of them in turn: a
// lane cannot be two exchanges ahead of another.
struct Board {
  Exchange kind = Exchange::kNone;
  int arrived = 0;
  int count = 1;
  std::array<std::array<uint32_t, kMostSums>, kLanes> in;
  std::array<std::array<float, 4>, kLanes> sums;
  std::array<const void*, kLanes> rows;
  std::array<std::array<uint32_t, 4>, kLanes> out;
  std::array<float, kMostSums> totals;
};

struct Warp {
  std::array<Board, 2> boards;
};

struct Block {
  Options options;
  std::array<int, 3> index = {};
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  int waiting = 0;
  char* shared = nullptr;
  const absl::FunctionRef<void(char*)>* kernel = nullptr;
};

Block block;
Thread* current = nullptr;
Point scheduler;

class Stacks {
 public:
  char* Get(size_t i) {
    while (stacks_.size() <= i) {
      void* memory =
          mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) Die("no memory for stacks");
      stacks_.push_back(static_cast<char*>(memory));
    }
    return stacks_[i];
  }

 private:
  std::vector<char*> stacks_;
};

Stacks& AllStacks() {
  static Stacks* const stacks = new Stacks;
  return *stacks;
}

void Entry() {
  (*block.kernel)(block.shared);
  if (!current->open.empty() || !current->groups.empty()) {
    for (const std::vector<Copy>& group : current->groups) {
      if (!group.empty()) Die("a thread ended before its copies");
    }
    if (!current->open.empty()) Die("a thread ended before its copies");
  }
  current->state = State::kDone;
  Switch(current->point, scheduler);
  Die("a thread went on after its end");
}

void Wait(State state) {
  current->state = state;
  Switch(current->point, scheduler);
}

float FloatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

uint32_t BitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

void Multiply(Board& board) {
  // [row][k] and [column][k].
  std::array<std::array<float, 16>, 16> a;
  std::array<std::array<float, 16>, 8> b;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const size_t g = lane / 4;
    const size_t t = lane % 4 * 2;
    for (size_t i = 0; i < 4; ++i) {
      const uint32_t pair = board.in[lane][i];
      const size_t row = g + i % 2 * 8;
      const size_t k = t + i / 2 * 8;
      a[row][k] = HalfValue(static_cast<uint16_t>(pair & 0xffff));
      a[row][k + 1] = HalfValue(static_cast<uint16_t>(pair >> 16));
    }
    for (size_t i = 0; i < 2; ++i) {
      const uint32_t pair = board.in[lane][4 + i];
      const size_t k = t + i * 8;
      b[g][k] = HalfValue(static_cast<uint16_t>(pair & 0xffff));
      b[g][k + 1] = HalfValue(static_cast<uint16_t>(pair >> 16));
    }
  }
  for (size_t lane = 0; lane < kLanes; ++lane) {
    for (size_t i = 0; i < 4; ++i) {
      const std::array<float, 16>& row = a[lane / 4 + i / 2 * 8];
      const std::array<float, 16>& column = b[lane % 4 * 2 + i % 2];
      float sum = board.sums[lane][i];
      for (size_t k = 0; k < 16; ++k) sum += row[k] * column[k];
      board.sums[lane][i] = sum;
    }
  }
}

void Gather(Board& board, bool transposed) {
  for (size_t lane = 0; lane < kLanes; ++lane) {
    for (size_t matrix = 0; matrix < 4; ++matrix) {
      std::array<uint16_t, 2> pair;
      for (size_t i = 0; i < 2; ++i) {
        const size_t row = transposed ? lane % 4 * 2 + i : lane / 4;
        const size_t column = transposed ? lane / 4 : lane % 4 * 2 + i;
        std::memcpy(
            &pair[i],
            static_cast<const char*>(board.rows[matrix * 8 + row]) + column * sizeof(pair[i]),
            sizeof(pair[i]));
      }
      board.out[lane][matrix] = pair[0] | static_cast<uint32_t>(pair[1]) << 16;
    }
  }
}

void Finish(Board& board, bool transposed) {
  switch (board.kind) {
    case Exchange::kSums:
      for (size_t i = 0; i < static_cast<size_t>(board.count); ++i) {
        float sum = 0;
        for (size_t lane = 0; lane < kLanes; ++lane) sum += FloatOf(board.in[lane][i]);
        board.totals[i] = sum;
      }
      break;
    case Exchange::kMax:
      board.totals[0] = FloatOf(board.in[0][0]);
      for (size_t lane = 1; lane < kLanes; ++lane) {
        board.totals[0] = std::max(board.totals[0], FloatOf(board.in[lane][0]));
      }
      break;
    case Exchange::kMatrices:
      Gather(board, transposed);
      break;
    case Exchange::kMma:
      Multiply(board);
      break;
    default:
      break;
  }
}

// `fill` puts what the lane brings on the board.
template <typename Fill>
Board& Meet(Exchange kind, bool transposed, Fill fill) {
  const int lane = current->index % kLanes;
  const int first = current->index - lane;
  Board& board =
      block.warps[static_cast<size_t>(current->index / kLanes)].boards[current->exchanges++ % 2];
  if (board.arrived == 0) board.kind = kind;
  if (board.kind != kind) Die("lanes of a warp are in different exchanges");
  fill(board, static_cast<size_t>(lane));
  if (++board.arrived < kLanes) {
    Wait(State::kInWarp);
    return board;
  }
  board.arrived = 0;
  Finish(board, transposed);
  for (int i = first; i < first + kLanes; ++i) {
    Thread& thread = block.threads[static_cast<size_t>(i)];
    if (&thread != current) thread.state = State::kReady;
  }
  return board;
}

size_t Lane() { return static_cast<size_t>(current->index % kLanes); }

void RunBlock() {
  const size_t count = block.threads.size();
  size_t done = 0;
  while (done < count) {
    bool moved = false;
    for (size_t warp = 0; warp < count / kLanes; ++warp) {
      const size_t w = block.options.reverse ? count / kLanes - 1 - warp : warp;
      bool again = true;
      while (again) {
        again = false;
        for (size_t lane = 0; lane < kLanes; ++lane) {
          const size_t l = block.options.reverse ? kLanes - 1 - lane : lane;
          current = &block.threads[w * kLanes + l];
          if (current->state != State::kReady) continue;
          Switch(scheduler, current->point);
          again = moved = true;
          if (current->state == State::kDone) ++done;
        }
      }
    }
    if (static_cast<size_t>(block.waiting) == count) {
      block.waiting = 0;
      for (Thread& thread : block.threads) thread.state = State::kReady;
      continue;
    }
    if (!moved && done < count) Die("threads wait for others that do not come");
  }
}

const std::vector<float>& HalfTable() {
  static const std::vector<float>* const table = [] {
    auto* values = new std::vector<float>(size_t{1} << 16);
    for (size_t i = 0; i < values->size(); ++i) {
      const auto half = static_cast<uint16_t>(i);
      const bool nan = (half & 0x7c00) == 0x7c00 && (half & 0x3ff) != 0;
      (*values)[i] = nan ? std::nanf("") : HalfToFloat(half);
    }
    return values;
  }();
  return *table;
}

}  // namespace

void RunGrid(const Options& options, Grid grid, int threads, size_t shared,
             absl::FunctionRef<void(char*)> kernel) {
  if (threads <= 0 || threads % kLanes != 0 || threads > 1024)
    Die("a block has 32 to 1024 threads");
  if (grid.x <= 0 || grid.y <= 0 || grid.z <= 0 || grid.y > 65535 || grid.z > 65535) {
    Die("a grid has 1 to 65535 blocks along y and z");
  }
  if (shared > size_t{64} << 10) Die("more shared memory than every device has");
  const auto count = static_cast<size_t>(threads);
  const Fence memory(std::max<size_t>(shared, 1));
  block.options = options;
  block.threads = std::vector<Thread>(count);
  block.warps = std::vector<Warp>(count / kLanes);
  block.shared = memory.data();
  block.kernel = &kernel;
  for (int z = 0; z < grid.z; ++z) {
    for (int y = 0; y < grid.y; ++y) {
      for (int x = 0; x < grid.x; ++x) {
        block.index = {x, y, z};
        std::memset(memory.data(), 0xff, memory.size());
        for (size_t i = 0; i < count; ++i) {
          Thread& thread = block.threads[i];
          thread.index = static_cast<int>(i);
          thread.state = State::kReady;
          char* const stack = AllStacks().Get(i);
#if defined(__SANITIZE_ADDRESS__)
          // The fiber that had it before has left it in the middle of a function.
          __asan_unpoison_memory_region(stack, kStack);
#endif
          Prepare(thread.point, stack, Entry);
        }
        RunBlock();
      }
    }
  }
}

Fence::Fence(size_t size, size_t alignment) : size_(size) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t aligned = (size + alignment - 1) / alignment * alignment;
  const size_t inner = (aligned + page - 1) / page * page;
  pages_size_ = inner + page;
  void* memory =
      mmap(nullptr, pages_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) Die("no memory");
  pages_ = static_cast<char*>(memory);
  if (mprotect(pages_ + inner, page, PROT_NONE) != 0) Die("no fence");
  data_ = pages_ + inner - aligned;
  std::memset(pages_, 0xff, inner);
}

Fence::~Fence() { munmap(pages_, pages_size_); }

int ThreadIndex() { return current->index; }

int BlockIndex(int dimension) { return block.index[static_cast<size_t>(dimension)]; }

void SyncBlock() {
  ++block.waiting;
  Wait(State::kInBlock);
}

uint32_t ShuffleXor(uint32_t value, int mask) {
  const Board& board =
      Meet(Exchange::kShuffle, false, [&](Board& b, size_t lane) { b.in[lane][0] = value; });
  return board.in[Lane() ^ static_cast<size_t>(mask)][0];
}

float WarpSum(float value) {
  WarpSums(&value, 1);
  return value;
}

void WarpSums(float* values, int count) {
  const Board& board = Meet(Exchange::kSums, false, [&](Board& b, size_t lane) {
    b.count = count;
    std::memcpy(b.in[lane].data(), values, static_cast<size_t>(count) * sizeof(float));
  });
  std::copy_n(board.totals.begin(), count, values);
}

float WarpMax(float value) {
  const Board& board =
      Meet(Exchange::kMax, false, [&](Board& b, size_t lane) { b.in[lane][0] = BitsOf(value); });
  return board.totals[0];
}

void CopyAsync(void* to, const void* from, bool valid) {
  const Copy copy = {to, from, valid};
  if ((reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from)) % 16 != 0) {
    Die("a copy is not aligned");
  }
  if (!block.options.late_copies) Perform(copy);
  current->open.push_back(copy);
}

void CopyCommit() {
  current->groups.push_back(std::move(current->open));
  current->open.clear();
}

void CopyWait(int groups) {
  while (current->groups.size() > static_cast<size_t>(groups)) {
    if (block.options.late_copies) {
      for (const Copy& copy : current->groups.front()) Perform(copy);
    }
    current->groups.pop_front();
  }
}

void LoadMatrices(const void* row, bool transposed, uint32_t (&out)[4]) {
  if (reinterpret_cast<uintptr_t>(row) % 16 != 0) Die("a row of a matrix is not aligned");
  const Board& board =
      Meet(Exchange::kMatrices, transposed, [&](Board& b, size_t lane) { b.rows[lane] = row; });
  std::copy_n(board.out[Lane()].begin(), 4, out);
}

void Mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  const Board& board = Meet(Exchange::kMma, false, [&](Board& b, size_t lane) {
    std::copy_n(a, 4, b.in[lane].begin());
    b.in[lane][4] = b0;
    b.in[lane][5] = b1;
    std::copy_n(c, 4, b.sums[lane].begin());
  });
  std::copy_n(board.sums[Lane()].begin(), 4, c);
}

float HalfValue(uint16_t half) { return HalfTable()[half]; }

uint16_t HalfBits(float value) { return FloatToHalf(value); }

}  // namespace rules_inference::infer::cuda::simt
