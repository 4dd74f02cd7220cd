#include "plugins/store/prune.h"

#include <fcntl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/store/inventory.h"
#include "plugins/store/leases.h"
#include "plugins/store/roots.h"
#include "plugins/store/store.h"
#include "plugins/store/store_fixture.h"
#include "plugins/store/test_server.h"

namespace rules_inference::store {
namespace {

using base::Digest;
using base::Durability;
using base::FaultyFileSystem;
using base::JoinPath;
using base::RealFileSystem;
using base::Sha256;

class PruneTest : public StoreFixture {
 protected:
  Root RootOf(const std::string& name, std::vector<Digest> blobs) {
    return {.name = name, .workspace = dir_, .blobs = std::move(blobs), .time = absl::Now()};
  }
  // Plans and executes; "<removed> removed, <kept> kept" or the error.
  std::string Prune(Store& store, const PruneOptions& options = {}) {
    const auto plan = PlanPrune(store, options, absl::Now());
    if (!plan.ok()) return std::string(plan.status().message());
    const auto result = ExecutePrune(store, *plan, absl::Now());
    if (!result.ok()) return std::string(result.status().message());
    return absl::StrCat(result->removed, " removed, ", plan->kept.size() + result->kept, " kept");
  }
  // Whether nothing but blobs, roots and what marks a store is left.
  void ExpectClean(Store& store) {
    EXPECT_TRUE(ListStore(fs_, store.layout())->leftovers.empty());
    const auto leases = fs_.List(store.layout().Leases());
    EXPECT_TRUE(!leases.ok() || leases->empty());
  }
};

TEST_F(PruneTest, KeepsWhatARootOrALeaseHoldsAndWhatIsNew) {
  Store store(fs_, root_);
  const Digest rooted = Put(store, "rooted", absl::Hours(5));
  const Digest leased = Put(store, "leased", absl::Hours(5));
  const Digest fresh = Put(store, "new", absl::Minutes(5));
  const Digest loose = Put(store, "loose", absl::Hours(5));
  ASSERT_TRUE(WriteRoot(fs_, store.layout(), RootOf("one", {rooted})).ok());
  std::optional<LeasedBlob> lease = store.GetLeased(Local("leased"), options_).value();

  const auto plan = PlanPrune(store, {}, absl::Now());
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->remove.size(), 1U);
  EXPECT_EQ(plan->remove[0].sha256, loose);
  EXPECT_EQ(plan->remove_size, 5U);
  for (const KeptBlob& kept : plan->kept) {
    EXPECT_EQ(Describe(kept.why), kept.blob.sha256 == rooted   ? "held by a root"
                                  : kept.blob.sha256 == leased ? "in use"
                                                               : "too new");
  }
  EXPECT_TRUE(Has(store, loose));  // A plan removes nothing.
  EXPECT_EQ(Prune(store), "1 removed, 3 kept");
  EXPECT_FALSE(Has(store, loose));

  const Holders held = Why(store, leased, absl::Now()).value();
  EXPECT_TRUE(held.there);
  ASSERT_EQ(held.leases.size(), 1U);
  EXPECT_EQ(held.leases[0].pid, getpid());
  EXPECT_EQ(Why(store, rooted, absl::Now())->roots.at(0).workspace, dir_);
  EXPECT_FALSE(Why(store, loose, absl::Now())->there);

  lease.reset();
  EXPECT_EQ(Prune(store, {.grace = absl::ZeroDuration()}), "2 removed, 1 kept");
  EXPECT_FALSE(Has(store, leased));
  EXPECT_FALSE(Has(store, fresh));
  EXPECT_TRUE(Has(store, rooted));
  ExpectClean(store);
}

TEST_F(PruneTest, LeaseOfADeadProcessHoldsNothing) {
  for (const Locking locking : {Locking::kFlock, Locking::kNone}) {
    Store store(fs_, root_, locking);
    const Digest digest = Put(store, "leased", absl::Hours(5));
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
      const auto lease = store.GetLeased(Local("leased"), options_);
      const char answer = lease.ok() ? 'y' : 'n';
      if (write(ready[1], &answer, 1) != 1) _exit(1);
      pause();
      _exit(0);
    }
    char answer = 0;
    ASSERT_EQ(read(ready[0], &answer, 1), 1);
    close(ready[0]);
    close(ready[1]);
    EXPECT_EQ(answer, 'y');
    // The hit has made it new again only if it was not used for an hour.
    EXPECT_EQ(Prune(store, {.grace = absl::ZeroDuration()}), "0 removed, 1 kept");
    EXPECT_TRUE(Has(store, digest));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    EXPECT_EQ(Prune(store, {.grace = absl::ZeroDuration()}), "1 removed, 0 kept");
    ExpectClean(store);
  }
}

TEST_F(PruneTest, LeastRecentlyUsedGoesFirst) {
  Store store(fs_, root_);
  const Digest oldest = Put(store, "aaaa", absl::Hours(50));
  const Digest middle = Put(store, "bbbb", absl::Hours(40));
  const Digest newest = Put(store, "cccc", absl::Hours(30));
  EXPECT_EQ(Prune(store, {.max_size = 12}), "0 removed, 3 kept");
  EXPECT_EQ(Prune(store, {.max_size = 11}), "1 removed, 2 kept");
  EXPECT_FALSE(Has(store, oldest));
  // A hit is a use.
  ASSERT_TRUE(store.Get(Local("bbbb"), options_).ok());
  EXPECT_EQ(Prune(store, {.older_than = absl::Hours(2)}), "1 removed, 1 kept");
  EXPECT_FALSE(Has(store, newest));
  EXPECT_TRUE(Has(store, middle));
  ASSERT_TRUE(WriteRoot(fs_, store.layout(), RootOf("one", {middle})).ok());
  const auto plan = PlanPrune(store, {.max_size = 1}, absl::Now());
  EXPECT_EQ(plan->over, 3U);
  EXPECT_TRUE(plan->remove.empty());
}

TEST_F(PruneTest, UnreadableRootEndsItAndRemovesNothing) {
  Store store(fs_, root_);
  const Digest loose = Put(store, "loose", absl::Hours(5));
  ASSERT_TRUE(fs_.CreateDirectories(store.layout().Roots()).ok());
  const std::string path = JoinPath(store.layout().Roots(), "one");
  constexpr absl::string_view kHint =
      "\nhint: nothing was removed; write the root again from its workspace, or remove the file if "
      "the workspace is gone";
  const auto prune = [&](absl::string_view text) {
    EXPECT_TRUE(base::WriteFile(fs_, path, text).ok());
    return Prune(store, {.grace = absl::ZeroDuration()});
  };
  EXPECT_EQ(prune("{\n\"version\": 1,\n\"name\": one"),
            absl::StrCat("bad root: ", path,
                         ": line 3, column 9: got 'o', expected a string for `name`", kHint));
  EXPECT_EQ(prune(""),
            absl::StrCat("bad root: ", path,
                         ": line 1, column 1: got the end of the text, expected `{`", kHint));
  EXPECT_EQ(prune("{\"version\": 2}"),
            absl::StrCat("unknown root: ", path, ": got version 2, expected 1", kHint));
  EXPECT_EQ(prune("{\"version\": 1, \"name\": \"two\"}"),
            absl::StrCat("renamed root: ", path, ": got 'two', expected 'one'", kHint));
  EXPECT_EQ(prune("{\"version\": 1, \"name\": \"one\", \"blobs\": [\"sha256:12\"]}"),
            absl::StrCat("bad root: ", path,
                         ": got 'sha256:12', expected 'sha256:' and 64 lower-case digits", kHint));
  ASSERT_TRUE(fs_.RemoveTree(path).ok());
  ASSERT_TRUE(fs_.CreateDirectories(path).ok());
  EXPECT_EQ(
      Prune(store, {.grace = absl::ZeroDuration()}),
      absl::StrCat("cannot open: ", path, ": got a directory, expected a regular file", kHint));
  EXPECT_TRUE(Has(store, loose));
}

TEST_F(PruneTest, RootOfAWorkspaceThatIsGoneHoldsUntilAsked) {
  Store store(fs_, root_);
  const Digest digest = Put(store, "blob", absl::Hours(5));
  Root root = RootOf("gone", {digest});
  root.workspace = "/nowhere/at/all";
  ASSERT_TRUE(WriteRoot(fs_, store.layout(), root).ok());
  const auto plan = PlanPrune(store, {}, absl::Now());
  ASSERT_EQ(plan->stale.size(), 1U);
  EXPECT_EQ(plan->stale[0].workspace, "/nowhere/at/all");
  EXPECT_EQ(Prune(store), "0 removed, 1 kept");
  EXPECT_EQ(Prune(store, {.drop_stale_roots = true}), "1 removed, 0 kept");
  EXPECT_TRUE(ReadRoots(fs_, store.layout())->empty());
}

TEST_F(PruneTest, RootsAreReplacedAndRemovedByName) {
  Store store(fs_, root_);
  const Digest a = Sha256::Of("a");
  const Digest b = Sha256::Of("b");
  ASSERT_TRUE(WriteRoot(fs_, store.layout(), RootOf("one", {a})).ok());
  ASSERT_TRUE(WriteRoot(fs_, store.layout(), RootOf("one", {b, a, b})).ok());
  const auto roots = ReadRoots(fs_, store.layout()).value();
  ASSERT_EQ(roots.size(), 1U);
  EXPECT_EQ(roots[0].blobs.size(), 2U);
  EXPECT_EQ(WriteRoot(fs_, store.layout(), RootOf("../x", {})).message(),
            "bad name of a root: root: got '../x', expected letters, digits, '.', '_' and '-', not "
            "'.' first, at most 200");
  Root relative = RootOf("two", {});
  relative.workspace = "here";
  EXPECT_EQ(WriteRoot(fs_, store.layout(), relative).message(),
            "bad root: two: got workspace 'here', expected an absolute path");
  ASSERT_TRUE(RemoveRoot(fs_, store.layout(), "one").ok());
  EXPECT_TRUE(absl::IsNotFound(RemoveRoot(fs_, store.layout(), "one")));
  EXPECT_EQ(RootNameOf("/home/me/a b").substr(0, 4), "a_b-");
  EXPECT_EQ(RootNameOf("/home/me/.x").substr(0, 4), "_.x-");
  EXPECT_NE(RootNameOf("/1/a"), RootNameOf("/2/a"));
}

TEST_F(PruneTest, UsedSinceThePlanIsKept) {
  Store store(fs_, root_);
  const Digest used = Put(store, "used", absl::Hours(5));
  const Digest rooted = Put(store, "rooted", absl::Hours(5));
  const Digest leased = Put(store, "leased", absl::Hours(5));
  const auto plan = PlanPrune(store, {}, absl::Now());
  ASSERT_EQ(plan->remove.size(), 3U);
  ASSERT_TRUE(store.Get(Local("used"), options_).ok());
  ASSERT_TRUE(WriteRoot(fs_, store.layout(), RootOf("one", {rooted})).ok());
  const auto lease = store.GetLeased(Local("leased"), options_);
  const auto result = ExecutePrune(store, *plan, absl::Now());
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->removed, 0U);
  EXPECT_EQ(result->kept, 3U);
  EXPECT_TRUE(Has(store, used) && Has(store, rooted) && Has(store, leased));
}

TEST_F(PruneTest, WhoTakesALeaseWaitsForALivePruneOfThatBlob) {
  Store store(fs_, root_);
  const Digest digest = Put(store, "blob", absl::Hours(5));
  std::optional<Lease> intent =
      WriteIntent(fs_, store.layout(), {digest, Sha256::Of("x")}, store.LocksWork()).value();
  const pid_t child = fork();
  if (child == 0) {
    const auto blob = Store(fs_, root_).GetLeased(Local("blob"), options_);
    _exit(blob.ok() ? 0 : 1);
  }
  const auto leases = [&] { return ReadLeases(fs_, store.layout(), absl::Now())->size(); };
  for (int i = 0; i < 1000 && leases() == 0; ++i) usleep(20000);
  ASSERT_EQ(leases(), 1U);  // Which the prune sees.
  usleep(200000);
  EXPECT_EQ(waitpid(child, nullptr, WNOHANG), 0);
  intent.reset();
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(PruneTest, TrashOfAKilledPruneIsPutBackOrEmptied) {
  Store store(fs_, root_);
  const Digest rooted = Put(store, "rooted", absl::Hours(5));
  const Digest loose = Put(store, "loose", absl::Hours(5));
  ASSERT_TRUE(WriteRoot(fs_, store.layout(), RootOf("one", {rooted})).ok());
  ASSERT_TRUE(fs_.CreateDirectories(store.layout().Trash()).ok());
  for (const Digest& digest : {rooted, loose}) {
    ASSERT_TRUE(fs_.Rename(store.PathOf(digest),
                           JoinPath(store.layout().Trash(), absl::StrCat(digest.Hex(), ".1-1")))
                    .ok());
  }
  EXPECT_EQ(Prune(store), "0 removed, 0 kept");
  EXPECT_TRUE(Has(store, rooted));
  EXPECT_FALSE(Has(store, loose));
  ExpectClean(store);
}

TEST_F(PruneTest, LeftoversGoWhenTheyAreOldAndNobodyHoldsThem) {
  Store store(fs_, root_);
  Put(store, "blob", absl::Minutes(1));
  const std::string parts = store.layout().Parts();
  ASSERT_TRUE(fs_.CreateDirectories(parts).ok());
  const auto held = fs_.Update(JoinPath(parts, "held.data")).value();
  for (const char* name : {"held.data", "old.data", "new.data"}) {
    if (name[0] != 'h') {
      ASSERT_TRUE(base::WriteFile(fs_, JoinPath(parts, name), "x").ok());
    }
    const timespec then = absl::ToTimespec(absl::Now() - absl::Hours(name[0] == 'n' ? 1 : 30));
    const timespec times[2] = {then, then};
    ASSERT_EQ(utimensat(AT_FDCWD, JoinPath(parts, name).c_str(), times, 0), 0);
  }
  ASSERT_TRUE(base::WriteFile(fs_, JoinPath(store.layout().Blobs(), "note"), "mine").ok());
  EXPECT_EQ(PlanPrune(store, {}, absl::Now())->leftovers.size(), 1U);
  EXPECT_EQ(Prune(store), "0 removed, 1 kept");
  EXPECT_EQ(fs_.List(parts).value(), (std::vector<std::string>{"held.data", "new.data"}));
  EXPECT_TRUE(fs_.Stat(JoinPath(store.layout().Blobs(), "note"), base::Follow::kNo).ok());
}

TEST_F(PruneTest, FaultAtEachOperationTakesNothingInUse) {
  for (const absl::Status& fault :
       {absl::ResourceExhaustedError("full"), absl::NotFoundError("went away")}) {
    int n = 1;
    for (;; ++n) {
      ASSERT_TRUE(fs_.RemoveTree(root_).ok());
      Store healthy(fs_, root_);
      const Digest rooted = Put(healthy, "rooted", absl::Hours(5));
      Put(healthy, "loose", absl::Hours(5));
      Put(healthy, "other", absl::Hours(6));
      ASSERT_TRUE(WriteRoot(fs_, healthy.layout(), RootOf("one", {rooted})).ok());
      const LeasedBlob leased = healthy.GetLeased(Local("leased"), options_).value();
      FaultyFileSystem faulty(fs_, n, fault);
      Store store(faulty, root_);
      Prune(store, {.grace = absl::ZeroDuration()});
      EXPECT_TRUE(Has(healthy, rooted)) << n;
      EXPECT_TRUE(fs_.Stat(leased.path, base::Follow::kNo).ok()) << n;
      if (!faulty.failed()) break;
      Prune(healthy, {.grace = absl::ZeroDuration()});
      EXPECT_EQ(ListStore(fs_, healthy.layout())->blobs.size(), 2U) << n;
      EXPECT_TRUE(ListStore(fs_, healthy.layout())->leftovers.empty()) << n;
    }
    EXPECT_GE(n, 40);
  }
}

TEST_F(PruneTest, TwoPrunesAtOnce) {
  for (const Locking locking : {Locking::kFlock, Locking::kNone}) {
    Store store(fs_, root_, locking);
    std::vector<Digest> rooted;
    for (int i = 0; i < 40; ++i) {
      const Digest digest = Put(store, absl::StrCat("blob ", i), absl::Hours(5));
      if (i % 4 == 0) rooted.push_back(digest);
    }
    ASSERT_TRUE(WriteRoot(fs_, store.layout(), RootOf("one", rooted)).ok());
    InProcesses(3, [&](int) -> absl::Status {
      RealFileSystem fs(Durability::kDurable);
      Store mine(fs, root_, locking);
      const auto plan = PlanPrune(mine, {}, absl::Now());
      if (!plan.ok()) return plan.status();
      return ExecutePrune(mine, *plan, absl::Now()).status();
    });
    EXPECT_EQ(ListStore(fs_, store.layout())->blobs.size(), rooted.size());
    for (const Digest& digest : rooted) EXPECT_TRUE(Has(store, digest));
    ExpectClean(store);
  }
}

// Each process fetches, leases, and looks again and again whether what it has leased is there.
TEST_F(PruneTest, ThirtyTwoProcessesBesideAPrune) {
  for (const Locking locking : {Locking::kFlock, Locking::kNone}) {
    ASSERT_TRUE(fs_.RemoveTree(root_).ok());
    const Digest digest = Sha256::Of(GoodBody());
    int done[2];
    ASSERT_EQ(pipe(done), 0);
    const pid_t pruner = fork();
    if (pruner == 0) {
      close(done[1]);
      RealFileSystem fs(Durability::kDurable);
      Store store(fs, root_, locking);
      int removed = 0;
      char byte = 0;
      const pid_t parent = getppid();
      while (getppid() == parent) {
        const auto plan = PlanPrune(store, {.grace = absl::ZeroDuration()}, absl::Now());
        if (!plan.ok()) _exit(2);
        const auto result = ExecutePrune(store, *plan, absl::Now());
        if (!result.ok()) {
          fprintf(stderr, "%s\n", std::string(result.status().message()).c_str());
          _exit(3);
        }
        removed += static_cast<int>(result->removed);
        // The pipe is closed when all others have ended.
        fd_set set;
        FD_ZERO(&set);
        FD_SET(done[0], &set);
        timeval none = {};
        if (select(done[0] + 1, &set, nullptr, nullptr, &none) == 1 &&
            read(done[0], &byte, 1) == 0) {
          _exit(removed > 0 ? 0 : 4);
        }
      }
      _exit(5);
    }
    close(done[0]);
    InProcesses(32, [&](int) -> absl::Status {
      RealFileSystem fs(Durability::kDurable);
      Store store(fs, root_, locking);
      for (int round = 0; round < 3; ++round) {
        const auto blob = store.GetLeased(Good(), options_);
        if (!blob.ok()) return blob.status();
        for (int look = 0; look < 20; ++look) {
          usleep(1000);
          const auto body = base::ReadFile(fs, blob->path, 1 << 20);
          if (!body.ok()) return body.status();
          if (Sha256::Of(*body) != digest) return absl::DataLossError("wrong bytes");
        }
      }
      return absl::OkStatus();
    });
    close(done[1]);
    int status = -1;
    ASSERT_EQ(waitpid(pruner, &status, 0), pruner);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 4) << WEXITSTATUS(status);
    Store store(fs_, root_, locking);
    EXPECT_LE(ListStore(fs_, store.layout())->blobs.size(), 1U);
    ExpectClean(store);
  }
}

}  // namespace
}  // namespace rules_inference::store
