// The CPU engine as bench/infer/bench.py drives it: a line in, work, a line out.
//
// engine_bench make SIZE TYPE FILE
// engine_bench serve FILE THREADS [ISA]

#include <sys/resource.h>
#include <sys/time.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cpu/cpu_engine.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"
#include "plugins/infer/tensor_type.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

absl::Status MakeModel(absl::string_view size, absl::string_view type, const std::string& path) {
  const auto parameters = SizeOf(size);
  const auto element = TensorTypeOf(type);
  if (!parameters.has_value() || !element.has_value()) {
    return absl::InvalidArgumentError("unknown size or type");
  }
  base::RealFileSystem files;
  ASSIGN_OR_RETURN(const auto output, files.Create(path));
  RETURN_IF_ERROR(WriteTestModel({*parameters, *element, 1}, *output));
  return output->Publish();
}

double UserSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
}

// Seconds that pass, and those that the process computes, as one line.
template <typename Work>
absl::Status Measure(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  const double user = UserSeconds();
  RETURN_IF_ERROR(work());
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  std::cout << wall.count() << " " << UserSeconds() - user << std::endl;
  return absl::OkStatus();
}

absl::Status Serve(const std::string& path, const CpuOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Model> model, Model::Open(path));
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, NewCpuEngine(model->file(), options));
  std::cout << engine->Describe() << std::endl;
  std::vector<float> mel(
      static_cast<size_t>(2 * model->parameters().audio_context * model->parameters().mels));
  for (size_t i = 0; i < mel.size(); ++i) mel[i] = std::sin(0.37F * static_cast<float>(i));
  const absl::Span<const float> window(mel);
  std::vector<std::unique_ptr<EncodedWindow>> encoded;
  std::string command;
  int count = 0;
  while (std::cin >> command >> count) {
    RETURN_IF_ERROR(Measure([&]() -> absl::Status {
      if (command == "encode") {
        ASSIGN_OR_RETURN(encoded, engine->Encode({&window, 1}));
        return absl::OkStatus();
      }
      ASSIGN_OR_RETURN(const auto decoding, engine->NewDecoding(*encoded[0], 1));
      DecodeStep step{.decoding = decoding.get(), .parents = {0}, .tokens = {}, .wanted = {0}};
      if (command == "prompt") {
        for (int i = 0; i < count; ++i) step.tokens.push_back(100 + i);
        step.wanted = {count - 1};
        return engine->Decode({&step, 1});
      }
      for (int i = 0; i < count; ++i) {
        step.tokens = {100 + i};
        RETURN_IF_ERROR(engine->Decode({&step, 1}));
      }
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

int Main(absl::Span<char*> args) {
  absl::Status status =
      absl::InvalidArgumentError("usage: make SIZE TYPE FILE | serve FILE THREADS [ISA]");
  const absl::string_view verb = args.size() > 1 ? args[1] : "";
  if (verb == "make" && args.size() == 5) status = MakeModel(args[2], args[3], args[4]);
  CpuOptions options;
  if (verb == "serve" && args.size() > 3 && absl::SimpleAtoi(args[3], &options.threads)) {
    if (args.size() > 4) options.isa = args[4];
    status = Serve(args[2], options);
  }
  if (!status.ok()) std::cerr << "error: " << status.message() << std::endl;
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace rules_inference::infer

int main(int argc, char** argv) {
  return rules_inference::infer::Main(absl::MakeSpan(argv, static_cast<size_t>(argc)));
}
