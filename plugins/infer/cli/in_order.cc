#include "plugins/infer/cli/in_order.h"

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "plugins/infer/cli/command.h"

namespace rules_inference::infer {
namespace {

struct Output {
  std::string out;
  std::string err;
};

}  // namespace

void RunInOrder(Console& console, size_t jobs, int workers,
                absl::FunctionRef<void(size_t, Console&, const StopFlag&)> run) {
  StopFlag stop = false;
  if (workers <= 1 || jobs <= 1) {
    for (size_t job = 0; job < jobs && console.out; ++job) run(job, console, stop);
    return;
  }
  std::mutex mutex;
  size_t next = 0;
  size_t told = 0;
  std::vector<std::optional<Output>> outputs(jobs);
  const auto work = [&] {
    for (;;) {
      size_t job = 0;
      {
        const std::lock_guard<std::mutex> lock(mutex);
        if (next == jobs || stop) return;
        job = next++;
      }
      std::ostringstream out;
      std::ostringstream err;
      Console own{console.in, out, err, console.files, console.open_engine, /*terminal=*/false};
      run(job, own, stop);
      const std::lock_guard<std::mutex> lock(mutex);
      outputs[job] = Output{out.str(), err.str()};
      for (; told < jobs && outputs[told].has_value() && !stop; ++told) {
        console.out << outputs[told]->out << std::flush;
        if (!console.out) {
          stop = true;
          return;
        }
        console.err << outputs[told]->err << std::flush;
        // Texts of many files need not stay.
        outputs[told].emplace();
      }
    }
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < std::min(static_cast<size_t>(workers), jobs); ++i) {
    others.emplace_back(work);
  }
  work();
  for (std::thread& other : others) other.join();
}

}  // namespace rules_inference::infer
