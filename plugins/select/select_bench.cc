// How long one selection among 1,000 variants takes: prints microseconds, the median of 1,000.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "absl/strings/str_cat.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/select/engine.h"

int main() {
  rules_inference::sdk::SelectRequest request;
  request.mutable_lock()->set_artifact("bench");
  const int capabilities[] = {75, 80, 86, 89, 90, 100, 120};
  for (int i = 0; i < 1000; ++i) {
    auto& variant = *request.mutable_lock()->add_variants();
    variant.set_name(absl::StrCat("v", i));
    variant.set_platform("linux-x86_64");
    auto& wants = *variant.mutable_properties();
    wants.set_libc("glibc-2.31");
    if (i % 8 == 7) continue;
    wants.set_accelerator("cuda");
    wants.set_cuda(absl::StrCat("12.", i % 10));
    wants.add_cubins(absl::StrCat("sm_", capabilities[i % 7]));
    auto& ptx = *wants.add_ptx();
    ptx.set_arch(absl::StrCat("compute_", capabilities[i % 7]));
    ptx.set_toolkit(wants.cuda());
  }
  auto& host = *request.mutable_host();
  host.set_platform("linux-x86_64");
  host.set_libc("glibc-2.36");
  host.set_driver("580.95.05");
  host.set_driver_api("13.0");
  host.add_devices()->set_compute_capability("8.9");
  host.add_devices()->set_compute_capability("9.0");
  std::vector<double> micros;
  for (int i = 0; i < 1000; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto answer = rules_inference::select::Select(request);
    const auto end = std::chrono::steady_clock::now();
    if (answer.chosen().empty()) return 1;
    micros.push_back(std::chrono::duration<double, std::micro>(end - start).count());
  }
  std::nth_element(micros.begin(), micros.begin() + 500, micros.end());
  std::printf("%.0f\n", micros[500]);
  return 0;
}
