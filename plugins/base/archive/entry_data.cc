#include "plugins/base/archive/entry_data.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libdeflate.h"
#include "plugins/base/archive/inflate.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {

absl::Status DeflateError(const ZipFile& zip, const ZipEntry& entry, absl::string_view problem) {
  return base::Mismatch("deflate data", zip.Where(entry), problem,
                        absl::StrCat("a valid stream of ", entry.size, " bytes"));
}

absl::Status CheckCrc(const ZipFile& zip, const ZipEntry& entry, uint32_t crc) {
  if (crc == entry.crc32) return absl::OkStatus();
  return base::Mismatch("crc32", zip.Where(entry), absl::StrCat(crc), absl::StrCat(entry.crc32));
}

absl::Status InflateWhole(Inflater& inflater, const ZipFile& zip, const ZipEntry& entry,
                          absl::string_view packed, uint8_t* out) {
  inflater.Reset();
  const auto* in = reinterpret_cast<const uint8_t*>(packed.data());
  uint8_t* end = out;
  // The slack lets the decoder run at full speed up to the end, and shows a stream that is too
  // long.
  const Inflater::Step step =
      inflater.Run(in, in + packed.size(), true, end, out + entry.size + kInflateSlack, 0);
  const auto size = static_cast<uint64_t>(end - out);
  if (step == Inflater::Step::kBad) return DeflateError(zip, entry, inflater.problem());
  if (step != Inflater::Step::kDone || size > entry.size) {
    return DeflateError(zip, entry, "more data than that");
  }
  if (size != entry.size) return DeflateError(zip, entry, absl::StrCat(size, " bytes"));
  const auto* packed_end = reinterpret_cast<const uint8_t*>(packed.data() + packed.size());
  const size_t unread = static_cast<size_t>(packed_end - in) + inflater.unread();
  if (unread > 0) {
    return DeflateError(zip, entry, absl::StrCat(unread, " bytes after the end of the stream"));
  }
  return CheckCrc(zip, entry, libdeflate_crc32(0, out, static_cast<size_t>(size)));
}

absl::StatusOr<std::string> ReadEntry(const ZipFile& zip, const ZipEntry& entry,
                                      uint64_t max_size) {
  if (entry.size > max_size) {
    return base::Mismatch("zip entry size", zip.Where(entry), absl::StrCat(entry.size),
                          absl::StrCat("at most ", max_size));
  }
  std::string packed(static_cast<size_t>(entry.packed_size), '\0');
  RETURN_IF_ERROR(base::ReadExactly(zip.file(), entry.offset, absl::MakeSpan(packed)));
  if (entry.method == ZipMethod::kStored) {
    RETURN_IF_ERROR(CheckCrc(zip, entry, libdeflate_crc32(0, packed.data(), packed.size())));
    return packed;
  }
  std::string data(static_cast<size_t>(entry.size) + kInflateSlack, '\0');
  const auto inflater = std::make_unique<Inflater>();
  RETURN_IF_ERROR(
      InflateWhole(*inflater, zip, entry, packed, reinterpret_cast<uint8_t*>(data.data())));
  data.resize(static_cast<size_t>(entry.size));
  return data;
}

}  // namespace rules_inference::base
