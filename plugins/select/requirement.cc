#include "plugins/select/requirement.h"

#include <cstdint>
#include <optional>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/version.h"

namespace rules_inference::select {
namespace {

struct Libc {
  absl::string_view family;
  Version version;
};

std::optional<Libc> ParseLibc(absl::string_view text) {
  for (const absl::string_view family : {"glibc", "musl"}) {
    absl::string_view rest = text;
    if (!absl::ConsumePrefix(&rest, family) || !absl::ConsumePrefix(&rest, "-")) continue;
    const std::optional<Version> version = Version::Parse(rest);
    if (version.has_value()) return Libc{family, *version};
  }
  return std::nullopt;
}

}  // namespace

sdk::Reason MakeReason(absl::string_view code, absl::string_view text) {
  sdk::Reason reason;
  reason.set_code(std::string(code));
  reason.set_text(std::string(text));
  return reason;
}

std::optional<int64_t> CpuLevel(absl::string_view level, absl::string_view platform) {
  if (level.empty()) return 0;
  if (absl::EndsWith(platform, "-x86_64")) {
    for (int64_t number = 1; number <= 4; ++number) {
      if (level == absl::StrCat("x86-64-v", number)) return number;
    }
  } else if (absl::EndsWith(platform, "-aarch64")) {
    for (int64_t number = 80; number <= 97; ++number) {
      if (level == absl::StrCat("armv", number / 10, ".", number % 10, "-a")) return number;
    }
  }
  return std::nullopt;
}

Refusal CheckCpuLevel(const sdk::VariantProperties& wants, const Machine& machine) {
  if (wants.cpu_level().empty()) return std::nullopt;
  const std::optional<int64_t> wanted = CpuLevel(wants.cpu_level(), machine.platform);
  if (!wanted.has_value()) {
    return MakeReason("bad_cpu_level", absl::StrCat("'", wants.cpu_level(), "' is no CPU level of ",
                                                    machine.platform));
  }
  std::string level = machine.host.cpu_level();
  if (level.empty())
    level = absl::EndsWith(machine.platform, "-x86_64") ? "x86-64-v1" : "armv8.0-a";
  std::optional<int64_t> has = CpuLevel(level, machine.platform);
  if (!has.has_value()) {
    return MakeReason("bad_host", absl::StrCat("the host's CPU level '", level, "' is none of ",
                                               machine.platform));
  }
  // Release 9.N of the ARM architecture is release 8.(N + 5) with more, and has nothing of later
  // ones of 8.
  if (*has >= 90 && *wanted < 90) *has -= 5;
  if (*has >= *wanted) return std::nullopt;
  return MakeReason("cpu_level_too_low",
                    absl::StrCat("needs ", wants.cpu_level(), ", the host has ", level));
}

Refusal CheckLibc(const sdk::VariantProperties& wants, const Machine& machine) {
  if (wants.libc().empty()) return std::nullopt;
  const std::optional<Libc> wanted = ParseLibc(wants.libc());
  if (!wanted.has_value()) {
    return MakeReason("bad_libc", absl::StrCat("'", wants.libc(), "' is no C library"));
  }
  if (!machine.known) return std::nullopt;
  if (machine.host.libc().empty()) {
    return MakeReason("libc_unknown",
                      absl::StrCat("needs ", wants.libc(), ", the host does not say what it has"));
  }
  const std::optional<Libc> has = ParseLibc(machine.host.libc());
  if (!has.has_value()) {
    return MakeReason("bad_host",
                      absl::StrCat("the host's '", machine.host.libc(), "' is no C library"));
  }
  const std::string text =
      absl::StrCat("needs ", wants.libc(), ", the host has ", machine.host.libc());
  if (has->family != wanted->family) return MakeReason("libc_other", text);
  if (has->version < wanted->version) return MakeReason("libc_too_old", text);
  return std::nullopt;
}

Refusal CheckSonames(const sdk::VariantProperties& wants, const Machine& machine) {
  for (const std::string& soname : wants.sonames()) {
    if (absl::c_linear_search(machine.host.sonames(), soname)) continue;
    return MakeReason("soname_missing",
                      absl::StrCat("needs ", soname, ", which the host does not list"));
  }
  return std::nullopt;
}

Refusal CheckProperties(const sdk::VariantProperties& wants, const Machine& machine,
                        int64_t* preference) {
  *preference = 0;
  for (const sdk::ProviderProperty& want : wants.properties()) {
    const std::string name = absl::StrCat(want.namespace_(), "::", want.feature());
    int64_t best = -1;
    for (const sdk::ProviderProperty& has : machine.host.properties()) {
      if (has.namespace_() != want.namespace_() || has.feature() != want.feature()) continue;
      for (int i = 0; i < has.values_size(); ++i) {
        if (!absl::c_linear_search(want.values(), has.values(i))) continue;
        best = i;
        break;
      }
      break;
    }
    if (best < 0) {
      return MakeReason("property_missing",
                        absl::StrCat("needs ", name, " of ", absl::StrJoin(want.values(), ", "),
                                     ", which the host does not have"));
    }
    *preference += best;
  }
  return std::nullopt;
}

}  // namespace rules_inference::select
