// What bench.py measures of the store, and tests/acceptance/store_crash.sh kills. Usage:
//
//   store_bench fetch ROOT URL SIZE SHA256
//     Store::Get.
//   store_bench fill ROOT COUNT
//     Makes a store of small blobs, of which 10 roots hold each second one.
//   store_bench list ROOT
//     Prints the seconds of ListStore and of PlanPrune.
//   store_bench prune ROOT
//     Removes what nothing holds.

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/store/fetch.h"
#include "plugins/store/inventory.h"
#include "plugins/store/prune.h"
#include "plugins/store/roots.h"
#include "plugins/store/store.h"

namespace rules_inference::store {
namespace {

using base::Digest;

absl::Status Fill(const std::string& root, int count) {
  // Not durable: nobody minds.
  base::RealFileSystem fs;
  Store store(fs, root);
  RETURN_IF_ERROR(store.layout().Prepare(fs));
  std::vector<std::vector<Digest>> held(10);
  for (int i = 0; i < count; ++i) {
    const std::string content = absl::StrCat("blob ", i);
    const Digest digest = base::Sha256::Of(content);
    const std::string path = store.PathOf(digest);
    RETURN_IF_ERROR(fs.CreateDirectories(path.substr(0, path.rfind('/'))));
    RETURN_IF_ERROR(base::WriteFile(fs, path, content));
    if (i % 2 == 0) held[static_cast<size_t>(i) / 2 % held.size()].push_back(digest);
  }
  for (size_t i = 0; i < held.size(); ++i) {
    RETURN_IF_ERROR(WriteRoot(fs, store.layout(),
                              {.name = absl::StrCat("root-", i),
                               .workspace = root,
                               .blobs = held[i],
                               .time = absl::Now()}));
  }
  return absl::OkStatus();
}

absl::Status ListAndPlan(const std::string& root) {
  base::RealFileSystem fs(base::Durability::kDurable);
  Store store(fs, root);
  absl::Time start = absl::Now();
  ASSIGN_OR_RETURN(const Inventory inventory, ListStore(fs, store.layout()));
  const double list = absl::ToDoubleSeconds(absl::Now() - start);
  start = absl::Now();
  ASSIGN_OR_RETURN(const PrunePlan plan,
                   PlanPrune(store, {.grace = absl::ZeroDuration()}, absl::Now()));
  printf("%zu blobs, %zu to remove: list %.4f s, prune --dry-run %.4f s\n", inventory.blobs.size(),
         plan.remove.size(), list, absl::ToDoubleSeconds(absl::Now() - start));
  return absl::OkStatus();
}

absl::Status PruneAll(const std::string& root) {
  base::RealFileSystem fs(base::Durability::kDurable);
  Store store(fs, root);
  ASSIGN_OR_RETURN(const PrunePlan plan,
                   PlanPrune(store, {.grace = absl::ZeroDuration()}, absl::Now()));
  return ExecutePrune(store, plan, absl::Now()).status();
}

absl::Status FetchOne(const std::string& root, const std::string& url, const std::string& size,
                      const std::string& sha256) {
  base::RealFileSystem fs(base::Durability::kDurable);
  Store store(fs, root);
  BlobRequest request{.urls = {url}};
  if (!absl::SimpleAtoi(size, &request.size)) return absl::InvalidArgumentError("bad size");
  ASSIGN_OR_RETURN(request.sha256, Digest::FromHex(sha256));
  return store.Get(request, {}).status();
}

absl::Status Run(const std::vector<std::string>& args) {
  int count = 0;
  if (args.size() == 5 && args[0] == "fetch") return FetchOne(args[1], args[2], args[3], args[4]);
  if (args.size() == 3 && args[0] == "fill" && absl::SimpleAtoi(args[2], &count)) {
    return Fill(args[1], count);
  }
  if (args.size() == 2 && args[0] == "prune") return PruneAll(args[1]);
  if (args.size() == 2 && args[0] == "list") return ListAndPlan(args[1]);
  return absl::InvalidArgumentError("see the head of store_bench.cc for the usage");
}

}  // namespace
}  // namespace rules_inference::store

int main(int argc, char** argv) {
  const absl::Status status = rules_inference::store::Run({argv + 1, argv + argc});
  if (!status.ok()) fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
