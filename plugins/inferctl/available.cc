// Problem: 136 requirements, of which 7 have no wheel. An installer asked for all says no and names
// one of the 7; a question takes it 2 to 20 seconds, most of which is waiting for an index.
//
// Idea: groups at a time. A group that cannot be had is in most cases spoilt by a name in the
// installer's own words: that one is asked alone, and the group again without it. Where no named
// one fails alone, the group is halved.
//
// Invariant: a requirement is left out when, and only when, it cannot be had alone. So what comes
// out depends neither on the groups nor on the words; those only decide how many questions it
// takes.
//
// Cost: one question for each group and two for each requirement that is left out; 2n at worst.

#include "plugins/inferctl/available.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/status_macros.h"
#include "plugins/pypi/name.h"

namespace rules_inference::inferctl {
namespace {

// So many names of a message are asked alone before the group is halved.
constexpr size_t kMostSuspects = 4;

using Group = std::vector<size_t>;

class Search {
 public:
  Search(const std::vector<std::string>& names, const AskInstaller& ask)
      : names_(names), ask_(ask) {}

  // Judges every member of `group`. Called by several threads, for groups that share nothing.
  absl::Status Judge(Group group) {
    while (!group.empty()) {
      const absl::Status status = ask_(group);
      if (!absl::IsNotFound(status)) return status;
      if (group.size() == 1) {
        const std::lock_guard<std::mutex> lock(mutex_);
        found_.push_back({group[0], status});
        return absl::OkStatus();
      }
      const size_t before = group.size();
      for (const size_t suspect : Suspects(group, status.message())) {
        const absl::Status alone = ask_({suspect});
        if (alone.ok()) continue;
        if (!absl::IsNotFound(alone)) return alone;
        group.erase(std::find(group.begin(), group.end(), suspect));
        const std::lock_guard<std::mutex> lock(mutex_);
        found_.push_back({suspect, alone});
      }
      if (group.size() < before) continue;
      const auto middle = group.begin() + static_cast<std::ptrdiff_t>(group.size() / 2);
      RETURN_IF_ERROR(Judge(Group(group.begin(), middle)));
      group.erase(group.begin(), middle);
    }
    return absl::OkStatus();
  }

  std::vector<Unavailable> Found() {
    std::sort(found_.begin(), found_.end(),
              [](const Unavailable& a, const Unavailable& b) { return a.index < b.index; });
    return std::move(found_);
  }

 private:
  // Members that a message names, those that it says to be required first.
  Group Suspects(const Group& group, absl::string_view message) const {
    Group required;
    Group named;
    std::set<size_t> seen;
    std::string last;
    for (absl::string_view word :
         absl::StrSplit(message, absl::ByAnyChar(" \n\t'`\"(),:;<>=!~[]{}"), absl::SkipEmpty())) {
      absl::ConsumeSuffix(&word, ".");
      if (word.empty()) continue;
      const std::string name = pypi::NormalizeName(word);
      for (const size_t index : group) {
        if (names_[index] != name) continue;
        const bool is_required = last == "require" || last == "for";
        if (seen.insert(index).second) (is_required ? required : named).push_back(index);
      }
      last = absl::AsciiStrToLower(word);
    }
    // A message about a conflict names many; one about an absent name says which.
    Group& suspects = required.empty() ? named : required;
    if (suspects.size() > kMostSuspects) suspects.resize(kMostSuspects);
    return suspects;
  }

  const std::vector<std::string>& names_;
  const AskInstaller& ask_;
  std::mutex mutex_;
  std::vector<Unavailable> found_;
};

}  // namespace

absl::StatusOr<std::vector<Unavailable>> FindUnavailable(const std::vector<std::string>& names,
                                                         const AskInstaller& ask, size_t jobs) {
  // A small group is a quick question, also for an index that answers one at a time.
  const size_t wanted = jobs == 1 ? 1 : 4 * jobs;
  const size_t count = std::max<size_t>(1, std::min(names.size(), wanted));
  std::vector<Group> groups(count);
  for (size_t i = 0; i < names.size(); ++i) groups[i % count].push_back(i);
  Search search(names, ask);
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  absl::Status first;
  std::vector<std::thread> threads;
  for (size_t job = 0; job < std::min(jobs, count); ++job) {
    threads.emplace_back([&] {
      while (true) {
        const size_t mine = next++;
        if (mine >= count) return;
        const absl::Status status = search.Judge(groups[mine]);
        if (status.ok()) continue;
        // One that cannot be asked ends it all.
        next = count;
        const std::lock_guard<std::mutex> lock(mutex);
        if (first.ok()) first = status;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  RETURN_IF_ERROR(first);
  return search.Found();
}

}  // namespace rules_inference::inferctl
