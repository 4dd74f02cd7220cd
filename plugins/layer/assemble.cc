// Problem. Making a segment (reading, inflating, compressing) can go on in parallel, but the two
// hashes and the file take segments one after the other, and one member of a wheel can fill a
// thousand segments that only one thread can inflate.
//
// Idea. There is no thread for a task: all threads are equal, and each takes the most urgent thing
// that can be done now:
//   1. hash the next segment's tar bytes (the longest chain, so it must never wait),
//   2. hash and write the next segment's blob bytes,
//   3. make the first segment that nobody makes yet and that can be made: one that continues a
//      file needs its stream from the segment before.
// Segments wait in a window of fixed length. One thread alone does all of it in turn, without a
// special case.
//
// Invariant. Stages 1 and 2 see the segments in their order; the bytes of a segment depend on the
// plan only. So the output is the same for any number of threads, and so is the error: that of the
// first segment that has one.
//
// Memory. window x (segment + its blob) + per thread the tables of the compressors: some 35 MB for
// two threads.

#include "plugins/layer/assemble.h"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/entry_stream.h"
#include "plugins/layer/plan.h"
#include "plugins/layer/producer.h"
#include "plugins/layer/segment.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer {
namespace {

// A segment and its blob take 2.2 MB together.
constexpr size_t kMaxWindow = 24;

struct Job {
  enum class State { kWaiting, kMaking, kMade };

  Segment segment;
  State state = State::kWaiting;
  absl::Status status;
  std::unique_ptr<SegmentBuffer> buffer;
  // Of the entry that this segment leaves open, for the next one.
  std::unique_ptr<EntryStream> stream;
  bool hashed = false;
  bool written = false;
};

class Assembler {
 public:
  Assembler(const LayerPlan& plan, const AssembleOptions& options, base::FileSystem& fs,
            base::OutputFile& out)
      : plan_(plan),
        options_(options),
        fs_(fs),
        out_(out),
        inflate_(!options.known_diff_id.has_value()),
        window_(std::min(kMaxWindow, 2 * static_cast<size_t>(options.threads) + 4)),
        cutter_(plan) {}

  absl::StatusOr<Assembled> Run();

 private:
  void Work();
  bool Step(std::unique_lock<std::mutex>& lock, Producer& producer);
  Job* NextToMake();
  void Make(Job& job, Producer& producer, std::unique_lock<std::mutex>& lock);
  absl::Status Hash(const SegmentBuffer& buffer);
  absl::Status Write(const SegmentBuffer& buffer, const Segment& segment);
  void Retire();
  void Fail(absl::Status status);

  const LayerPlan& plan_;
  const AssembleOptions& options_;
  base::FileSystem& fs_;
  base::OutputFile& out_;
  const bool inflate_;
  const size_t window_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_. Jobs are in the order of their segments; jobs_[0] is number first_.
  SegmentCutter cutter_;
  std::deque<std::unique_ptr<Job>> jobs_;
  size_t first_ = 0;
  size_t next_hash_ = 0;  // Numbers of the next jobs of the stages.
  size_t next_write_ = 0;
  bool hashing_ = false;
  bool writing_ = false;
  absl::Status failure_;
  std::vector<std::unique_ptr<SegmentBuffer>> free_buffers_;

  // Touched by the thread in the stage only.
  base::Sha256 tar_sha_;
  base::Sha256 file_sha_;
  base::Sha256 blob_sha_;
  uint64_t tar_size_ = 0;
  uint64_t blob_size_ = 0;
};

absl::StatusOr<Assembled> Assembler::Run() {
  std::vector<std::thread> others;
  try {
    for (int i = 1; i < options_.threads; ++i) others.emplace_back([this] { Work(); });
  } catch (const std::system_error&) {
    // The machine gives no more threads. Those that are there, this one at least, give the same
    // bytes.
  }
  Work();
  for (std::thread& thread : others) thread.join();
  RETURN_IF_ERROR(failure_);
  Assembled result;
  result.size = blob_size_;
  result.unpacked_size = tar_size_;
  result.diff_id = inflate_ ? tar_sha_.Finish() : *options_.known_diff_id;
  result.digest = options_.mode == sdk::STORED ? result.diff_id : blob_sha_.Finish();
  return result;
}

void Assembler::Work() {
  // Large, and different in each thread.
  const auto producer =
      std::make_unique<Producer>(plan_, options_.mode, options_.level, inflate_, fs_);
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    if (options_.cancelled != nullptr && options_.cancelled->load(std::memory_order_relaxed)) {
      Fail(absl::CancelledError("layer: cancelled"));
    }
    if (!failure_.ok() || (cutter_.done() && jobs_.empty())) return;
    if (!Step(lock, *producer)) changed_.wait(lock);
  }
}

// Does one thing; false when there is nothing to do now. Called and left with the lock held.
bool Assembler::Step(std::unique_lock<std::mutex>& lock, Producer& producer) {
  if (!hashing_ && next_hash_ < first_ + jobs_.size() &&
      jobs_[next_hash_ - first_]->state == Job::State::kMade) {
    Job& job = *jobs_[next_hash_ - first_];
    hashing_ = true;
    lock.unlock();
    absl::Status status = job.status.ok() ? Hash(*job.buffer) : job.status;
    lock.lock();
    hashing_ = false;
    if (!status.ok()) {
      Fail(std::move(status));
      return true;
    }
    job.hashed = true;
    ++next_hash_;
    Retire();
    changed_.notify_all();
    return true;
  }
  // Only what was hashed, and so was found to be right, is written: the first error is that of the
  // first bad segment.
  if (!writing_ && next_write_ < next_hash_) {
    Job& job = *jobs_[next_write_ - first_];
    writing_ = true;
    lock.unlock();
    absl::Status status = Write(*job.buffer, job.segment);
    lock.lock();
    writing_ = false;
    if (!status.ok()) {
      Fail(std::move(status));
      return true;
    }
    job.written = true;
    ++next_write_;
    Retire();
    changed_.notify_all();
    return true;
  }
  if (Job* job = NextToMake(); job != nullptr) {
    Make(*job, producer, lock);
    changed_.notify_all();
    return true;
  }
  return false;
}

Job* Assembler::NextToMake() {
  while (true) {
    for (size_t i = 0; i < jobs_.size(); ++i) {
      Job& job = *jobs_[i];
      if (job.state != Job::State::kWaiting) continue;
      // The segment before a continued one is always in the window: it is retired after this one is
      // made, see Retire().
      const bool ready = !inflate_ || !job.segment.continues() || i == 0 ||
                         jobs_[i - 1]->state == Job::State::kMade;
      if (ready) return &job;
    }
    if (jobs_.size() >= window_ || cutter_.done()) return nullptr;
    jobs_.push_back(std::make_unique<Job>());
    jobs_.back()->segment = cutter_.Next();
  }
}

void Assembler::Make(Job& job, Producer& producer, std::unique_lock<std::mutex>& lock) {
  job.state = Job::State::kMaking;
  std::unique_ptr<EntryStream> stream;
  if (job.segment.continues() && inflate_) {
    for (size_t i = 1; i < jobs_.size(); ++i) {
      if (jobs_[i].get() != &job) continue;
      stream = std::move(jobs_[i - 1]->stream);
      job.status = jobs_[i - 1]->status;
    }
  }
  if (free_buffers_.empty()) {
    job.buffer = std::make_unique<SegmentBuffer>();
  } else {
    job.buffer = std::move(free_buffers_.back());
    free_buffers_.pop_back();
  }
  lock.unlock();
  if (job.status.ok()) job.status = producer.Produce(job.segment, stream, *job.buffer);
  lock.lock();
  job.stream = std::move(stream);
  job.state = Job::State::kMade;
}

// Hashes the tar bytes, and the bytes of files with a known digest in the same pass.
absl::Status Assembler::Hash(const SegmentBuffer& buffer) {
  if (!inflate_) return absl::OkStatus();
  const absl::string_view tar = buffer.tar();
  size_t done = 0;
  for (const SegmentBuffer::FilePart& part : buffer.files) {
    tar_sha_.Update(tar.substr(done, part.begin - done));
    base::Sha256::UpdateBoth(tar_sha_, file_sha_, tar.substr(part.begin, part.end - part.begin));
    done = part.end;
    if (!part.ends) continue;
    const LayerEntry& entry = plan_.entries[part.entry];
    const base::Digest digest = file_sha_.Finish();
    if (digest != *entry.digest) {
      return base::Mismatch("wheel RECORD", plan_.zip(entry).Where(plan_.zip_entry(entry)),
                            digest.ToString(), entry.digest->ToString());
    }
  }
  tar_sha_.Update(tar.substr(done));
  return absl::OkStatus();
}

absl::Status Assembler::Write(const SegmentBuffer& buffer, const Segment& segment) {
  const bool stored = options_.mode == sdk::STORED;
  const absl::string_view blob = stored ? buffer.tar() : absl::string_view(buffer.blob);
  if (!stored) blob_sha_.Update(blob);
  blob_size_ += blob.size();
  tar_size_ += segment.size;
  return out_.Append(blob);
}

void Assembler::Retire() {
  while (!jobs_.empty()) {
    Job& job = *jobs_.front();
    if (!job.hashed || !job.written) return;
    // The next segment may still want its stream.
    if (job.stream != nullptr) {
      const bool taken = jobs_.size() > 1 && jobs_[1]->state != Job::State::kWaiting;
      if (!taken) return;
    }
    free_buffers_.push_back(std::move(job.buffer));
    jobs_.pop_front();
    ++first_;
  }
}

void Assembler::Fail(absl::Status status) {
  if (failure_.ok()) failure_ = std::move(status);
  changed_.notify_all();
}

}  // namespace

absl::StatusOr<Assembled> Assemble(const LayerPlan& plan, const AssembleOptions& options,
                                   base::FileSystem& fs, base::OutputFile& out) {
  return Assembler(plan, options, fs, out).Run();
}

}  // namespace rules_inference::layer
