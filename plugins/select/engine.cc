// Problem. "Request sm90, get sm75 or cpu when that is what exists, never the wrong one, and say
// why."
//
// Idea. Three steps that do not know of each other:
//   1. judge every row of the platform against the machine: refused with a reason, or usable with a
//      rank, a tuple of numbers of which the first difference decides;
//   2. make the chain, the names that are tried: the requested one, then the user's own chain or
//      what is usable by rank;
//   3. take the first of the chain that is usable.
// So a chain can change the order, and never makes a row usable.
//
// A request by name for a machine that nobody knows stands for the machine that the name asks for:
// one device of its capability. The rest of the chain is judged on that one, which is what keeps
// "sm90, else sm75" from giving machine code for 7.5 to a 9.0 device.
//
// Invariant. The order is total, as the last number of a rank is the row. The walk that analysis
// needs, rules/private/variants/select.bzl, gives the same answer to every request; a test compares
// them on random ones.
//
// Cost. Linear in rows x devices x codes, and a sort: 1,000 rows take well under a millisecond.

#include "plugins/select/engine.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/cuda.h"
#include "plugins/select/requirement.h"

namespace rules_inference::select {
namespace {

constexpr absl::string_view kRequire = "require:";

using Rank = std::vector<int64_t>;

struct Judged {
  int row = 0;
  Refusal refusal;
  Rank rank;
};

// Usable with a rank, or refused.
Judged Judge(const sdk::SelectRequest& request, int row, const Machine& machine) {
  const sdk::Variant& variant = request.lock().variants(row);
  const sdk::VariantProperties& wants = variant.properties();
  Judged judged;
  judged.row = row;
  int64_t preference = 0;
  if (!variant.not_available().empty()) {
    judged.refusal = MakeReason("not_available", variant.not_available());
    return judged;
  }
  if ((judged.refusal = CheckCpuLevel(wants, machine)).has_value()) return judged;
  if ((judged.refusal = CheckLibc(wants, machine)).has_value()) return judged;
  if ((judged.refusal = CheckSonames(wants, machine)).has_value()) return judged;
  if ((judged.refusal = CheckProperties(wants, machine, &preference)).has_value()) return judged;
  const int64_t level = CpuLevel(wants.cpu_level(), machine.platform).value_or(0);
  const std::string& accelerator = wants.accelerator();
  if (accelerator.empty() || accelerator == "cpu") {
    judged.rank = {0, 0, 0, 0, 0, 0, level, -preference, -row};
    return judged;
  }
  if (accelerator == "cuda") {
    CudaFit fit;
    if ((judged.refusal = CheckCuda(wants, machine, request.devices(), &fit)).has_value()) {
      return judged;
    }
    judged.rank = {1,           fit.score, fit.capability, fit.native ? 1 : 0,
                   fit.toolkit, fit.cudnn, level,          -preference,
                   -row};
    return judged;
  }
  // The accelerator of a provider plugin: one of its properties has to hold, and they all do here.
  const bool spoken_for = absl::c_any_of(
      wants.properties(),
      [&](const sdk::ProviderProperty& item) { return item.namespace_() == accelerator; });
  if (!spoken_for) {
    judged.refusal = MakeReason(
        "unknown_accelerator",
        absl::StrCat("accelerator '", accelerator, "' has no property that a host could answer"));
    return judged;
  }
  judged.rank = {1, 4, 0, 0, 0, 0, level, -preference, -row};
  return judged;
}

// Whether the host says anything beyond its platform.
bool SaysSomething(const sdk::HostDescriptor& host) {
  return host.devices_size() > 0 || !host.driver().empty() || !host.driver_api().empty() ||
         !host.forward_compat().empty() || !host.cpu_level().empty() || !host.libc().empty() ||
         host.sonames_size() > 0 || host.properties_size() > 0;
}

// The machine that a named variant asks for.
std::optional<sdk::HostDescriptor> ImpliedHost(const sdk::VariantProperties& wants) {
  std::optional<sdk::HostDescriptor> host = sdk::HostDescriptor();
  if (wants.accelerator() == "cuda") host = ImpliedCudaHost(wants);
  if (!host.has_value()) return std::nullopt;
  host->set_cpu_level(wants.cpu_level());
  *host->mutable_sonames() = wants.sonames();
  *host->mutable_properties() = wants.properties();
  return host;
}

class Selection {
 public:
  explicit Selection(const sdk::SelectRequest& request) : request_(request) {}

  sdk::SelectAnswer Run();

 private:
  bool ReadRequest();
  void FindMachine();
  void MakeChain();
  void Choose();
  void Fail(std::string text) { answer_.set_error(std::move(text)); }

  const sdk::Variant& variant(int row) const { return request_.lock().variants(row); }
  const Judged* Find(absl::string_view name) const;
  std::vector<std::string> Names(bool of_platform) const;

  const sdk::SelectRequest& request_;
  sdk::SelectAnswer answer_;
  Machine machine_;
  std::string wanted_;  // Name; empty: auto.
  bool required_ = false;
  std::vector<Judged> judged_;  // The rows of the platform.
  absl::flat_hash_map<absl::string_view, size_t> by_name_;
};

const Judged* Selection::Find(absl::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &judged_[found->second];
}

std::vector<std::string> Selection::Names(bool of_platform) const {
  std::vector<std::string> names;
  absl::flat_hash_set<absl::string_view> seen;
  for (const sdk::Variant& variant : request_.lock().variants()) {
    if (of_platform && variant.platform() != machine_.platform) continue;
    if (seen.insert(variant.name()).second) names.push_back(variant.name());
  }
  return names;
}

// Checks the request itself; false when it makes no sense.
bool Selection::ReadRequest() {
  machine_.platform =
      request_.host().platform().empty() ? request_.platform() : request_.host().platform();
  absl::string_view text = request_.request();
  if (text == "auto") text = "";
  required_ = absl::ConsumePrefix(&text, kRequire);
  wanted_ = std::string(text);
  const std::string what = absl::StrCat("variant: ", request_.lock().artifact());

  absl::flat_hash_set<std::pair<absl::string_view, absl::string_view>> seen;
  for (const sdk::Variant& variant : request_.lock().variants()) {
    if (!seen.insert({variant.name(), variant.platform()}).second) {
      Fail(absl::StrCat(what, ": got two rows for ", variant.name(), " on ", variant.platform(),
                        ", expected one"));
      return false;
    }
  }
  std::vector<std::string> asked(request_.chain().begin(), request_.chain().end());
  if (!wanted_.empty() || required_) asked.insert(asked.begin(), wanted_);
  const std::vector<std::string> names = Names(false);
  for (const std::string& name : asked) {
    if (absl::c_linear_search(names, name)) continue;
    Fail(absl::StrCat(what, ": got '", name, "', expected one of ", absl::StrJoin(names, ", ")));
    return false;
  }
  if (Names(true).empty()) {
    std::vector<std::string> platforms;
    for (const sdk::Variant& variant : request_.lock().variants()) {
      if (!absl::c_linear_search(platforms, variant.platform())) {
        platforms.push_back(variant.platform());
      }
    }
    Fail(absl::StrCat(what, ": got platform '", machine_.platform, "', expected one of ",
                      absl::StrJoin(platforms, ", ")));
    return false;
  }
  return true;
}

void Selection::FindMachine() {
  machine_.known = request_.has_host() && SaysSomething(request_.host());
  if (machine_.known) {
    machine_.host = request_.host();
    return;
  }
  for (const sdk::Variant& variant : request_.lock().variants()) {
    if (variant.name() != wanted_ || variant.platform() != machine_.platform) continue;
    std::optional<sdk::HostDescriptor> implied = ImpliedHost(variant.properties());
    if (implied.has_value()) machine_.host = *std::move(implied);
  }
}

void Selection::MakeChain() {
  std::vector<std::string> tail(request_.chain().begin(), request_.chain().end());
  if (tail.empty() && !required_) {
    std::vector<const Judged*> usable;
    for (const Judged& judged : judged_) {
      if (!judged.refusal.has_value()) usable.push_back(&judged);
    }
    absl::c_sort(usable, [](const Judged* a, const Judged* b) { return a->rank > b->rank; });
    for (const Judged* judged : usable) tail.push_back(variant(judged->row).name());
  }
  std::vector<std::string> chain;
  absl::flat_hash_set<std::string> seen;
  if (!wanted_.empty()) tail.insert(tail.begin(), wanted_);
  for (std::string& name : tail) {
    if (required_ && name != wanted_) continue;
    if (seen.insert(name).second) chain.push_back(std::move(name));
  }
  if (request_.no_fallback() && chain.size() > 1) chain.resize(1);
  answer_.mutable_chain()->Assign(chain.begin(), chain.end());
}

void Selection::Choose() {
  answer_.set_row(-1);
  for (const std::string& name : answer_.chain()) {
    const Judged* judged = Find(name);
    if (judged == nullptr || judged->refusal.has_value()) continue;
    answer_.set_chosen(name);
    answer_.set_row(judged->row);
    answer_.set_fell_back(name != answer_.chain(0));
    break;
  }
  for (const Judged& judged : judged_) {
    sdk::Candidate& candidate = *answer_.add_candidates();
    candidate.set_name(variant(judged.row).name());
    candidate.set_row(static_cast<uint32_t>(judged.row));
    if (!judged.refusal.has_value()) {
      candidate.set_verdict(judged.row == answer_.row() ? sdk::Candidate::CHOSEN
                                                        : sdk::Candidate::USABLE);
      candidate.mutable_rank()->Assign(judged.rank.begin(), judged.rank.end());
      continue;
    }
    candidate.set_verdict(judged.refusal->code() == "not_available" ? sdk::Candidate::NOT_AVAILABLE
                                                                    : sdk::Candidate::REJECTED);
    *candidate.mutable_reason() = *judged.refusal;
  }
  if (answer_.row() >= 0) return;

  // Every one that was tried, and why not; without a chain every one that there is.
  std::vector<std::string> tried(answer_.chain().begin(), answer_.chain().end());
  if (tried.empty()) tried = Names(true);
  std::vector<std::string> reasons;
  for (const std::string& name : tried) {
    const Judged* judged = Find(name);
    const std::string why = judged == nullptr ? absl::StrCat("no row for ", machine_.platform)
                                              : judged->refusal->text();
    reasons.push_back(absl::StrCat(name, " (", why, ")"));
  }
  std::vector<std::string> usable;
  for (const Judged& judged : judged_) {
    if (!judged.refusal.has_value()) usable.push_back(variant(judged.row).name());
  }
  Fail(absl::StrCat("variant: ", request_.lock().artifact(), " for ", machine_.platform,
                    ": got none of ", absl::StrJoin(reasons, ", "),
                    usable.empty()
                        ? ", and no other one runs there either"
                        : absl::StrCat(", expected one of ", absl::StrJoin(usable, ", "))));
}

sdk::SelectAnswer Selection::Run() {
  answer_.set_row(-1);
  if (!ReadRequest()) return std::move(answer_);
  FindMachine();
  for (int row = 0; row < request_.lock().variants_size(); ++row) {
    if (variant(row).platform() != machine_.platform) continue;
    by_name_.emplace(variant(row).name(), judged_.size());
    judged_.push_back(Judge(request_, row, machine_));
  }
  MakeChain();
  Choose();
  return std::move(answer_);
}

}  // namespace

sdk::SelectAnswer Select(const sdk::SelectRequest& request) { return Selection(request).Run(); }

}  // namespace rules_inference::select
