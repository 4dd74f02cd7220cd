#include "plugins/wheel/unpack.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/wheel/record.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/layout.h"
#include "plugins/wheel/plan.h"
#include "plugins/wheel/tree_writer.h"

namespace rules_inference::wheel {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr int kMaxThreads = 64;
constexpr uint64_t kDefaultMemory = uint64_t{512} << 20;

absl::StatusOr<int> Threads(const sdk::WheelUnpackRequest& request) {
  if (request.threads() < 0) {
    return Mismatch("wheel request", "threads", absl::StrCat(request.threads()), "0 or more");
  }
  const int wanted = request.threads() != 0 ? request.threads()
                                            : static_cast<int>(std::thread::hardware_concurrency());
  const uint64_t memory =
      request.max_memory_bytes() != 0 ? request.max_memory_bytes() : kDefaultMemory;
  const auto affordable =
      static_cast<int>(std::min<uint64_t>(memory / kWorkerMemory, uint64_t{kMaxThreads}));
  return std::clamp(wanted, 1, std::max(affordable, 1));
}

// The path in RECORD: relative to site-packages.
std::string RecordPath(const TreePlan& plan, absl::string_view path) {
  const std::string& site = plan.site_packages;
  if (site.empty() || absl::ConsumePrefix(&path, site + "/")) return std::string(path);
  std::string up = "../";
  for (const char c : site) absl::StrAppend(&up, c == '/' ? "../" : "");
  return absl::StrCat(up, path);
}

std::string RecordText(const TreePlan& plan, const std::vector<FileResult>& results) {
  std::vector<std::pair<std::string, std::string>> rows;  // Path and row.
  rows.reserve(results.size() + 1);
  const std::string own = RecordPath(plan, absl::StrCat(plan.dist_info, "/RECORD"));
  rows.emplace_back(own, base::OwnRecordRowText(own));
  for (size_t i = 0; i < results.size(); ++i) {
    std::string path = RecordPath(plan, plan.files[i].path);
    std::string row = base::RecordRowText(path, results[i].digest, results[i].size);
    rows.emplace_back(std::move(path), std::move(row));
  }
  std::sort(rows.begin(), rows.end());
  std::string text;
  for (const auto& [path, row] : rows) absl::StrAppend(&text, row);
  return text;
}

absl::Status WriteTree(const sdk::WheelUnpackRequest& request, const TreePlan& plan,
                       base::FileSystem& fs, int threads, const std::atomic<bool>* cancelled) {
  const std::string& root = request.output_dir();
  RETURN_IF_ERROR(fs.CreateDirectories(root));
  ASSIGN_OR_RETURN(const std::vector<FileResult> results,
                   WriteFiles(plan, fs, root, threads, cancelled));
  const std::string record = RecordText(plan, results);
  RETURN_IF_ERROR(
      base::WriteFile(fs, base::JoinPath(root, absl::StrCat(plan.dist_info, "/RECORD")), record));
  const sdk::WheelLayout layout = BuildLayout(plan, results, record);
  return base::WriteFile(fs, request.layout_output(),
                         absl::StrCat(sdk::ToCanonicalJson(layout), "\n"));
}

// Refuses a directory with something in it: it would stay there, unknown to RECORD, and an error
// would take it away.
absl::Status CheckEmpty(base::FileSystem& fs, const std::string& path) {
  const absl::StatusOr<std::vector<std::string>> names = fs.List(path);
  if (absl::IsNotFound(names.status())) return absl::OkStatus();
  RETURN_IF_ERROR(names.status());
  if (names->empty()) return absl::OkStatus();
  return Mismatch("output directory", path, Quoted(names->front()), "nothing in it");
}

}  // namespace

absl::Status UnpackWheel(const sdk::WheelUnpackRequest& request, base::FileSystem& fs,
                         const std::atomic<bool>* cancelled) {
  if (request.output_dir().empty() || request.layout_output().empty()) {
    return Mismatch(
        "wheel request", "output_dir and layout_output",
        absl::StrCat(Quoted(request.output_dir()), " and ", Quoted(request.layout_output())),
        "two paths");
  }
  ASSIGN_OR_RETURN(const int threads, Threads(request));
  RETURN_IF_ERROR(CheckEmpty(fs, request.output_dir()));
  ASSIGN_OR_RETURN(const TreePlan plan, PlanTree(request, fs));
  // A layout of an earlier run must not stand beside a new tree.
  RETURN_IF_ERROR(fs.RemoveTree(request.layout_output()));
  const absl::Status status = WriteTree(request, plan, fs, threads, cancelled);
  if (!status.ok()) {
    fs.RemoveTree(request.output_dir()).IgnoreError();
    fs.RemoveTree(request.layout_output()).IgnoreError();
  }
  return status;
}

}  // namespace rules_inference::wheel
