#include "plugins/store/owner.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "plugins/base/file_system.h"
#include "plugins/store/records.pb.h"

namespace rules_inference::store {
namespace {

// Not by way of FileSystem: this is not about files.
std::string ReadProc(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// 0 when there is no such process.
uint64_t StartOf(int64_t pid) {
  const std::string stat = ReadProc(absl::StrCat("/proc/", pid, "/stat"));
  // The second field is the name of the program, which may hold anything.
  const size_t end = stat.rfind(')');
  if (end == std::string::npos) return 0;
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(stat).substr(end + 1), ' ', absl::SkipEmpty());
  constexpr size_t kStart = 22 - 3;
  // A zombie has ended.
  if (fields.size() <= kStart || fields[0] == "Z" || fields[0] == "X") return 0;
  uint64_t start = 0;
  return absl::SimpleAtoi(fields[kStart], &start) ? start : 0;
}

std::string Boot() {
  return std::string(absl::StripAsciiWhitespace(ReadProc("/proc/sys/kernel/random/boot_id")));
}

std::string PidNamespace() {
  char target[64];
  const ssize_t count = readlink("/proc/self/ns/pid", target, sizeof target);
  return count > 0 ? std::string(target, static_cast<size_t>(count)) : "";
}

}  // namespace

OwnerRecord ThisProcess(bool locked) {
  OwnerRecord owner;
  owner.set_pid(getpid());
  owner.set_start(StartOf(getpid()));
  owner.set_boot(Boot());
  owner.set_pid_namespace(PidNamespace());
  owner.set_locked(locked);
  return owner;
}

bool MayLive(base::FileSystem& fs, const std::string& path, const OwnerRecord& owner,
             absl::Time now, absl::Duration unknown_age) {
  const bool here = !owner.boot().empty() && owner.boot() == Boot();
  if (owner.locked()) {
    const absl::StatusOr<base::Holder> holder = fs.HolderOf(path);
    if (holder.ok() && *holder == base::Holder::kAlive) return true;
    // Some file systems keep locks within a machine: of another one, a free lock says nothing.
    if (holder.ok() && *holder == base::Holder::kNone && here) return false;
  }
  if (here && owner.start() != 0 && owner.pid_namespace() == PidNamespace()) {
    return StartOf(owner.pid()) == owner.start();
  }
  const absl::StatusOr<base::NodeInfo> info = fs.Stat(path, base::Follow::kNo);
  if (absl::IsNotFound(info.status())) return false;
  return !info.ok() || now - absl::FromUnixNanos(info->modified) < unknown_age;
}

}  // namespace rules_inference::store
