#include "plugins/infer/cpu/cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace rules_inference::infer {
namespace {

// Empty if it cannot be read: a machine without such a file has no such limit.
std::string Read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

double Smaller(double limit, std::optional<double> other) {
  return other.has_value() ? std::min(limit, *other) : limit;
}

std::optional<double> QuotaOfVersion1(const std::string& folder) {
  double quota = 0;
  double period = 0;
  if (!absl::SimpleAtod(Read(absl::StrCat(folder, "/cpu.cfs_quota_us")), &quota) ||
      !absl::SimpleAtod(Read(absl::StrCat(folder, "/cpu.cfs_period_us")), &period) || quota <= 0 ||
      period <= 0) {
    return std::nullopt;
  }
  return quota / period;
}

// The least of all groups from the process's own up to the root.
double QuotaOfGroups(const std::string& root) {
  double limit = std::numeric_limits<double>::infinity();
  const std::string groups = Read(absl::StrCat(root, "/proc/self/cgroup"));
  for (const absl::string_view line : absl::StrSplit(groups, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const std::vector<absl::string_view> controllers = absl::StrSplit(fields[1], ',');
    const bool version1 = std::count(controllers.begin(), controllers.end(), "cpu") > 0;
    if (!version1 && !fields[1].empty()) continue;
    std::string group = fields[2];
    while (true) {
      const absl::string_view tail = absl::StripPrefix(group, "/");
      const std::string inner = tail.empty() ? "" : absl::StrCat("/", tail);
      limit =
          version1
              ? Smaller(limit, QuotaOfVersion1(absl::StrCat(root, "/sys/fs/cgroup/cpu", inner)))
              : Smaller(limit,
                        ParseCpuMax(Read(absl::StrCat(root, "/sys/fs/cgroup", inner, "/cpu.max"))));
      if (tail.empty()) break;
      const size_t slash = group.rfind('/');
      group = slash == std::string::npos ? "" : group.substr(0, slash);
    }
  }
  return limit;
}

}  // namespace

std::optional<double> ParseCpuMax(absl::string_view text) {
  const std::vector<absl::string_view> fields = absl::StrSplit(text, ' ', absl::SkipWhitespace());
  double quota = 0;
  double period = 0;
  if (fields.size() != 2 || !absl::SimpleAtod(fields[0], &quota) ||
      !absl::SimpleAtod(fields[1], &period) || !std::isfinite(quota) || quota <= 0 || period <= 0) {
    return std::nullopt;
  }
  return quota / period;
}

int UsableCores(const std::vector<int>& allowed, const std::string& root) {
  std::set<std::string> cores;
  for (const int cpu : allowed) {
    const std::string siblings = Read(
        absl::StrCat(root, "/sys/devices/system/cpu/cpu", cpu, "/topology/thread_siblings_list"));
    cores.insert(siblings.empty() ? absl::StrCat("cpu", cpu) : siblings);
  }
  const double quota = std::ceil(QuotaOfGroups(root));
  const auto count = static_cast<double>(std::max<size_t>(cores.size(), 1));
  return std::max(1, static_cast<int>(std::min(count, quota)));
}

int UsableCores() {
  std::vector<int> allowed;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(static_cast<size_t>(cpu), &set)) allowed.push_back(cpu);
    }
  } else {
    // More processors than the set has room for.
    for (unsigned cpu = 0; cpu < std::thread::hardware_concurrency(); ++cpu) {
      allowed.push_back(static_cast<int>(cpu));
    }
  }
  return UsableCores(allowed, "");
}

}  // namespace rules_inference::infer
