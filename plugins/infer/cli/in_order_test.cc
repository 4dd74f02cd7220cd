#include "plugins/infer/cli/in_order.h"

#include <algorithm>
#include <cstddef>
#include <ios>
#include <mutex>
#include <ostream>
#include <sstream>
#include <streambuf>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "plugins/base/real_file_system.h"
#include "plugins/infer/cli/command.h"

namespace rules_inference::infer {
namespace {

// Takes so many bytes: a pipe whose reader leaves.
class LeavingReader : public std::streambuf {
 public:
  explicit LeavingReader(std::streamsize most) : left_(most) {}

 protected:
  std::streamsize xsputn(const char* /*text*/, std::streamsize size) override {
    const std::streamsize taken = std::min(size, left_);
    left_ -= taken;
    return taken;
  }
  int_type overflow(int_type c) override {
    if (left_ == 0) return traits_type::eof();
    --left_;
    return traits_type::not_eof(c);
  }

 private:
  std::streamsize left_;
};

class RunInOrderTest : public testing::Test {
 protected:
  std::istringstream in_;
  std::ostringstream err_;
  base::RealFileSystem files_;
};

TEST_F(RunInOrderTest, OutputIsInTheOrderOfJobs) {
  std::ostringstream out;
  Console console{in_, out, err_, files_, nullptr};
  RunInOrder(console, 20, 3, [](size_t job, Console& own, const StopFlag& stop) {
    EXPECT_FALSE(stop);
    own.out << job << " ";
  });
  EXPECT_EQ(out.str(), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 ");
}

TEST_F(RunInOrderTest, ReaderThatLeftEndsWhatRunsAndWhatWouldFollow) {
  LeavingReader reader(3);
  std::ostream out(&reader);
  Console console{in_, out, err_, files_, nullptr};
  std::mutex mutex;
  std::vector<size_t> begun;
  RunInOrder(console, 20, 2, [&](size_t job, Console& own, const StopFlag& stop) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      begun.push_back(job);
    }
    own.out << "text of a file";
    own.err << "a message";
    // The first one ends, and its output cannot be written; the other one works until it is told.
    while (job != 0 && !stop) std::this_thread::yield();
  });
  std::sort(begun.begin(), begun.end());
  EXPECT_FALSE(out);
  EXPECT_LE(begun.size(), 2U);
  EXPECT_EQ(begun[0], 0U);
  EXPECT_EQ(err_.str(), "");
}

TEST_F(RunInOrderTest, OneAfterTheOtherToo) {
  LeavingReader reader(3);
  std::ostream out(&reader);
  Console console{in_, out, err_, files_, nullptr};
  size_t begun = 0;
  RunInOrder(console, 20, 1, [&](size_t, Console& own, const StopFlag&) {
    ++begun;
    own.out << "text of a file" << std::flush;
  });
  EXPECT_EQ(begun, 1U);
}

}  // namespace
}  // namespace rules_inference::infer
