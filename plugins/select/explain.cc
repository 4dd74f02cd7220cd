#include "plugins/select/explain.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::select {
namespace {

absl::string_view VerdictWord(sdk::Candidate::Verdict verdict) {
  switch (verdict) {
    case sdk::Candidate::CHOSEN:
      return "chosen";
    case sdk::Candidate::USABLE:
      return "usable";
    case sdk::Candidate::REJECTED:
      return "rejected";
    default:
      return "not available";
  }
}

}  // namespace

std::string DescribeHost(const sdk::HostDescriptor& host) {
  std::vector<std::string> parts;
  if (!host.platform().empty()) parts.push_back(host.platform());
  if (host.devices().empty()) {
    parts.push_back("no device");
  } else {
    std::vector<std::string> devices;
    for (const sdk::Device& device : host.devices()) {
      devices.push_back(device.compute_capability());
    }
    parts.push_back(
        absl::StrCat(devices.size() == 1 ? "device " : "devices ", absl::StrJoin(devices, " ")));
  }
  if (!host.driver().empty()) {
    parts.push_back(absl::StrCat("driver ", host.driver(), " (CUDA ", host.driver_api(), ")"));
  }
  if (!host.forward_compat().empty()) {
    parts.push_back(absl::StrCat("forward compatibility to CUDA ", host.forward_compat()));
  }
  if (!host.cpu_level().empty()) parts.push_back(host.cpu_level());
  if (!host.libc().empty()) parts.push_back(host.libc());
  if (!host.sonames().empty()) parts.push_back(absl::StrJoin(host.sonames(), " "));
  // A feature that is just there needs no value: "cpu: avx2 fma".
  std::map<std::string, std::vector<std::string>> features;
  for (const sdk::ProviderProperty& item : host.properties()) {
    const bool just_on = item.values_size() == 1 && item.values(0) == "on";
    features[item.namespace_()].push_back(
        just_on ? item.feature()
                : absl::StrCat(item.feature(), "=", absl::StrJoin(item.values(), "|")));
  }
  for (const auto& [name, all] : features) {
    parts.push_back(absl::StrCat(name, ": ", absl::StrJoin(all, " ")));
  }
  return absl::StrJoin(parts, ", ");
}

std::string Explain(const sdk::SelectRequest& request, const sdk::SelectAnswer& answer) {
  const sdk::VariantsLock& lock = request.lock();
  std::string text = absl::StrCat("artifact  ", lock.artifact(), lock.version().empty() ? "" : " ",
                                  lock.version(), "\n");
  absl::StrAppend(&text, "request   ", request.request().empty() ? "auto" : request.request(),
                  request.no_fallback() ? ", no fallback" : "",
                  request.devices() == sdk::ANY_DEVICE ? ", any device" : "", "\n");
  absl::StrAppend(&text, "host      ",
                  request.has_host() ? DescribeHost(request.host())
                                     : absl::StrCat("nothing known, ", request.platform()),
                  "\n");
  absl::StrAppend(&text, "chain     ",
                  answer.chain().empty() ? "(empty)" : absl::StrJoin(answer.chain(), " -> "), "\n");
  absl::StrAppend(&text, "chosen    ", answer.chosen().empty() ? "(none)" : answer.chosen(),
                  answer.fell_back() ? ", by fallback" : "", "\n");
  if (!answer.error().empty()) absl::StrAppend(&text, "error     ", answer.error(), "\n");
  if (answer.candidates().empty()) return text;
  text += "\n";
  size_t width = 0;
  for (const sdk::Candidate& candidate : answer.candidates()) {
    width = std::max(width, candidate.name().size());
  }
  for (const sdk::Candidate& candidate : answer.candidates()) {
    const std::string word(VerdictWord(candidate.verdict()));
    absl::StrAppend(&text, candidate.name(), std::string(width + 2 - candidate.name().size(), ' '),
                    word);
    if (candidate.has_reason()) {
      absl::StrAppend(&text, std::string(15 - word.size(), ' '), candidate.reason().text());
    }
    text += "\n";
  }
  return text;
}

}  // namespace rules_inference::select
