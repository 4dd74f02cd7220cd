// Problem. Write some thousand files, of which a few are most of the bytes, as fast as the machine
// can, and hash every byte on its way.
//
// Idea. The plan has judged the wheel, so files are independent of each other: workers take them
// from one list, the largest first, so that no large one is left for a single worker at the end. A
// member that fits in a piece is inflated, hashed and written in one go; a larger one goes through
// in pieces that stay in the processor's cache, so that no byte is fetched from memory for each of
// the four steps (inflate, CRC-32, SHA-256, write), and memory does not depend on the wheel.
//
// One member can be most of the bytes (a library of CUDA), and a deflate stream has one reader.
// Where the other workers would have nothing to do at the end, such a member is inflated by one
// thread and hashed and written by another, with two pieces between them.
//
// Invariants. A worker's results go to slots of their own, so the tree, RECORD and the layout do
// not depend on who did what. An error stops the handing out of files, what was begun is finished,
// and the error of the first file in the list is returned: with the same wheel always the same one.
//
// Cost: 12,000 files of 800 MB take some 2.2 s of processor time; bench/wheels has the figures.

#include "plugins/wheel/tree_writer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/archive/entry_data.h"
#include "plugins/base/archive/inflate.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/archive/zip_stream.h"
#include "plugins/base/digest.h"
#include "plugins/base/elf/elf.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/wheel/wheel.h"
#include "plugins/wheel/layout.h"
#include "plugins/wheel/plan.h"

namespace rules_inference::wheel {
namespace {

using base::Mismatch;

// Bytes of a member that are inflated at once.
constexpr size_t kPiece = size_t{1} << 20;
// A packed member that is read at once; one that is hardly compressed is a little larger than what
// is in it.
constexpr size_t kMaxPacked = kPiece + (kPiece >> 3);
// From this size on it pays to hash and write a member in a thread of its own.
constexpr uint64_t kTwoThreads = uint64_t{4} << 20;
// Where the first line of a script must end.
constexpr size_t kMaxFirstLine = 4096;

// What the workers share.
struct Work {
  const TreePlan& plan;
  base::FileSystem& fs;
  const std::string& output_dir;
  const std::atomic<bool>* cancelled;
  std::vector<FileResult> results;
  // Indices of plan.files, the largest first.
  std::vector<uint32_t> order;
  // A file of more bytes than this takes longer than the others together take the other threads.
  uint64_t fair_share = std::numeric_limits<uint64_t>::max();
  std::atomic<size_t> next = 0;
  std::atomic<bool> stop = false;

  std::mutex mutex;
  // Of the first file in the list that has failed.
  size_t failed_at = std::numeric_limits<size_t>::max();
  absl::Status status;
};

absl::string_view AsText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Room for what the decoder looks back to, a piece, and what it may write behind it.
class Buffer {
 public:
  uint8_t* piece() const { return memory_.get() + base::Inflater::kWindow; }

 private:
  std::unique_ptr<uint8_t[]> memory_{
      new uint8_t[base::Inflater::kWindow + kPiece + base::kInflateSlack]};
};

// Two buffers that go around between a thread that fills them and one that empties them.
class Relay {
 public:
  // For the first thread: a buffer to fill, or null when the other one has failed.
  uint8_t* ToFill() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return filled_ - emptied_ < 2 || closed_; });
    return closed_ ? nullptr : buffers_[filled_ % 2].piece();
  }
  void Filled(size_t size) {
    const std::lock_guard<std::mutex> lock(mutex_);
    sizes_[filled_++ % 2] = size;
    changed_.notify_all();
  }
  // For the second thread: the next piece, or false when there will be no more.
  bool ToEmpty(absl::string_view& piece) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return filled_ > emptied_ || closed_; });
    if (filled_ == emptied_) return false;
    piece = AsText(buffers_[emptied_ % 2].piece(), sizes_[emptied_ % 2]);
    return true;
  }
  void Emptied() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++emptied_;
    changed_.notify_all();
  }
  // No more pieces are filled.
  void Close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Buffer, 2> buffers_;
  std::array<size_t, 2> sizes_ = {};
  uint64_t filled_ = 0;
  uint64_t emptied_ = 0;
  bool closed_ = false;
};

class Worker {
 public:
  explicit Worker(Work& work) : work_(work) {}

  // Takes files until there are no more.
  void Run();

 private:
  absl::Status Write(const TreeFile& file, FileResult& result);
  absl::Status WriteMember(const TreeFile& file, base::OutputFile& out, FileResult& result);
  // The data of a member, in one of three ways.
  absl::Status WriteSmall(const TreeFile& file, base::OutputFile& out, FileResult& result);
  absl::Status WriteInPieces(const TreeFile& file, base::OutputFile& out, FileResult& result);
  absl::Status WriteByTwo(const TreeFile& file, base::OutputFile& out, FileResult& result);
  // Writes the next bytes of a member. `first`: they are its start.
  absl::Status WritePiece(const TreeFile& file, absl::string_view piece, bool first,
                          base::OutputFile& out, FileResult& result);
  absl::Status Describe(const TreeFile& file, const std::string& path, FileResult& result);
  absl::Status CheckCancelled() const {
    return work_.cancelled != nullptr && work_.cancelled->load(std::memory_order_relaxed)
               ? absl::CancelledError("unpacking was cancelled")
               : absl::OkStatus();
  }
  const base::ZipEntry& entry(const TreeFile& file) const {
    return work_.plan.wheel.zip.entries()[*file.entry];
  }

  Work& work_;
  base::Inflater inflater_;
  Buffer buffer_;
  std::unique_ptr<char[]> packed_{new char[kMaxPacked]};
  base::Sha256 member_sha_;  // Of the bytes in the wheel.
  // Of the bytes in the tree, where the first line was changed.
  bool changed_ = false;
  base::Sha256 file_sha_;
  bool is_elf_ = false;
};

void Worker::Run() {
  while (!work_.stop.load(std::memory_order_relaxed)) {
    const size_t position = work_.next.fetch_add(1, std::memory_order_relaxed);
    if (position >= work_.order.size()) return;
    const uint32_t index = work_.order[position];
    absl::Status status = Write(work_.plan.files[index], work_.results[index]);
    if (status.ok()) continue;
    work_.stop = true;
    const std::lock_guard<std::mutex> lock(work_.mutex);
    if (position < work_.failed_at) {
      work_.failed_at = position;
      work_.status = std::move(status);
    }
  }
}

absl::Status Worker::Write(const TreeFile& file, FileResult& result) {
  RETURN_IF_ERROR(CheckCancelled());
  const std::string path = base::JoinPath(work_.output_dir, file.path);
  ASSIGN_OR_RETURN(
      const std::unique_ptr<base::OutputFile> out,
      work_.fs.CreateNew(path, file.executable ? base::FileMode::kProgram : base::FileMode::kData));
  changed_ = false;
  is_elf_ = false;
  if (file.entry.has_value()) {
    RETURN_IF_ERROR(WriteMember(file, *out, result));
  } else {
    RETURN_IF_ERROR(out->Append(file.text));
    result.digest = base::Sha256::Of(file.text);
    result.size = file.text.size();
  }
  RETURN_IF_ERROR(out->Publish());
  return is_elf_ ? Describe(file, path, result) : absl::OkStatus();
}

absl::Status Worker::WriteMember(const TreeFile& file, base::OutputFile& out, FileResult& result) {
  const base::ZipEntry& entry = this->entry(file);
  member_sha_ = base::Sha256();
  result.size = 0;
  if (entry.size <= kPiece && entry.packed_size <= kMaxPacked &&
      entry.method == base::ZipMethod::kDeflated) {
    RETURN_IF_ERROR(WriteSmall(file, out, result));
  } else if (entry.size >= kTwoThreads && entry.size > work_.fair_share) {
    RETURN_IF_ERROR(WriteByTwo(file, out, result));
  } else {
    RETURN_IF_ERROR(WriteInPieces(file, out, result));
  }
  const base::Digest digest = member_sha_.Finish();
  if (digest != file.digest) {
    return Mismatch("wheel RECORD", work_.plan.wheel.zip.Where(entry), digest.ToString(),
                    absl::StrCat(file.digest.ToString(), ", as RECORD says"));
  }
  result.digest = changed_ ? file_sha_.Finish() : digest;
  return absl::OkStatus();
}

absl::Status Worker::WriteSmall(const TreeFile& file, base::OutputFile& out, FileResult& result) {
  const base::ZipFile& zip = work_.plan.wheel.zip;
  const base::ZipEntry& entry = this->entry(file);
  const auto packed_size = static_cast<size_t>(entry.packed_size);
  RETURN_IF_ERROR(
      base::ReadExactly(zip.file(), entry.offset, absl::MakeSpan(packed_.get(), packed_size)));
  RETURN_IF_ERROR(base::InflateWhole(
      inflater_, zip, entry, absl::string_view(packed_.get(), packed_size), buffer_.piece()));
  return WritePiece(file, AsText(buffer_.piece(), static_cast<size_t>(entry.size)), true, out,
                    result);
}

absl::Status Worker::WriteInPieces(const TreeFile& file, base::OutputFile& out,
                                   FileResult& result) {
  const base::ZipEntry& entry = this->entry(file);
  base::ZipStream stream(work_.plan.wheel.zip, entry);
  uint64_t done = 0;
  do {
    RETURN_IF_ERROR(CheckCancelled());
    const auto size = static_cast<size_t>(std::min<uint64_t>(kPiece, entry.size - done));
    RETURN_IF_ERROR(stream.Next(buffer_.piece(), size));
    RETURN_IF_ERROR(WritePiece(file, AsText(buffer_.piece(), size), done == 0, out, result));
    done += size;
  } while (done < entry.size);
  return absl::OkStatus();
}

absl::Status Worker::WriteByTwo(const TreeFile& file, base::OutputFile& out, FileResult& result) {
  Relay relay;
  absl::Status write_status;
  std::thread writer([&] {
    absl::string_view piece;
    for (bool first = true; relay.ToEmpty(piece); first = false) {
      write_status = WritePiece(file, piece, first, out, result);
      if (!write_status.ok()) return relay.Close();
      relay.Emptied();
    }
  });
  const absl::Status read_status = [&]() -> absl::Status {
    const base::ZipEntry& entry = this->entry(file);
    base::ZipStream stream(work_.plan.wheel.zip, entry);
    for (uint64_t done = 0; done < entry.size;) {
      RETURN_IF_ERROR(CheckCancelled());
      uint8_t* const piece = relay.ToFill();
      if (piece == nullptr) break;
      const auto size = static_cast<size_t>(std::min<uint64_t>(kPiece, entry.size - done));
      RETURN_IF_ERROR(stream.Next(piece, size));
      relay.Filled(size);
      done += size;
    }
    return absl::OkStatus();
  }();
  relay.Close();
  writer.join();
  // What was written lies before what could not be read: so the error is the one that a single
  // thread meets.
  RETURN_IF_ERROR(write_status);
  return read_status;
}

absl::Status Worker::WritePiece(const TreeFile& file, absl::string_view piece, bool first,
                                base::OutputFile& out, FileResult& result) {
  member_sha_.Update(piece);
  if (first) {
    is_elf_ = absl::StartsWith(piece, base::kElfMagic);
    if (file.scheme == base::WheelScheme::kScripts && absl::StartsWith(piece, "#!python")) {
      // All of the first line goes, as with pip: what follows "python" is of no use to another
      // interpreter.
      const size_t end = piece.substr(0, kMaxFirstLine).find('\n');
      if (end == absl::string_view::npos && piece.size() > kMaxFirstLine) {
        return Mismatch("wheel script", work_.plan.wheel.zip.Where(entry(file)),
                        "a first line without end",
                        absl::StrCat("at most ", kMaxFirstLine, " bytes"));
      }
      const std::string line = absl::StrCat("#!", work_.plan.interpreter, "\n");
      piece.remove_prefix(std::min(piece.size(), end == absl::string_view::npos ? end : end + 1));
      changed_ = true;
      file_sha_ = base::Sha256();
      file_sha_.Update(line);
      result.size += line.size();
      RETURN_IF_ERROR(out.Append(line));
    }
  }
  if (changed_) file_sha_.Update(piece);
  result.size += piece.size();
  return out.Append(piece);
}

absl::Status Worker::Describe(const TreeFile& file, const std::string& path, FileResult& result) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> input, work_.fs.Open(path));
  const absl::StatusOr<base::Elf> elf = base::ReadElf(*input);
  if (elf.ok()) {
    // An object file is linked, not loaded.
    if (elf->type == base::ElfType::kExecutable || elf->type == base::ElfType::kShared) {
      result.library = DescribeElf(file.path, *elf);
    }
    return absl::OkStatus();
  }
  // A file that cannot be read now is an error; one that no loader would take is a fact.
  if (!absl::IsInvalidArgument(elf.status())) return elf.status();
  result.library.emplace();
  result.library->set_path(file.path);
  result.library->set_opaque(true);
  return absl::OkStatus();
}

absl::Status MakeDirectories(const TreePlan& plan, base::FileSystem& fs, const std::string& root) {
  std::set<std::string, std::less<>> directories = {plan.dist_info};
  for (const TreeFile& file : plan.files) {
    const size_t slash = file.path.rfind('/');
    if (slash != std::string::npos) directories.emplace(file.path.substr(0, slash));
  }
  for (const std::string& directory : directories) {
    RETURN_IF_ERROR(fs.CreateDirectories(base::JoinPath(root, directory)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<FileResult>> WriteFiles(const TreePlan& plan, base::FileSystem& fs,
                                                   const std::string& root, int threads,
                                                   const std::atomic<bool>* cancelled) {
  RETURN_IF_ERROR(MakeDirectories(plan, fs, root));
  Work work = {.plan = plan,
               .fs = fs,
               .output_dir = root,
               .cancelled = cancelled,
               .results = {},
               .order = {},
               .status = absl::OkStatus()};
  work.results.resize(work.plan.files.size());
  work.order.resize(work.plan.files.size());
  std::iota(work.order.begin(), work.order.end(), 0);
  const auto size = [&](uint32_t index) { return work.plan.files[index].size; };
  std::stable_sort(work.order.begin(), work.order.end(),
                   [&](uint32_t a, uint32_t b) { return size(a) > size(b); });
  if (threads > 1) {
    uint64_t total = 0;
    for (const TreeFile& file : work.plan.files) total += file.size;
    work.fair_share = total / static_cast<uint64_t>(threads);
  }
  std::vector<std::thread> others;
  const size_t useful = std::min(static_cast<size_t>(threads), work.order.size());
  for (size_t i = 1; i < useful; ++i) others.emplace_back([&work] { Worker(work).Run(); });
  Worker(work).Run();
  for (std::thread& thread : others) thread.join();
  RETURN_IF_ERROR(work.status);
  return std::move(work.results);
}

}  // namespace rules_inference::wheel
