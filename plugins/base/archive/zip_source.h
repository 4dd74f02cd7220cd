// The data of a zip entry as a stream.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_SOURCE_H_
#define RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_SOURCE_H_

#include <memory>

#include "plugins/base/archive/byte_source.h"
#include "plugins/base/archive/zip.h"

namespace rules_inference::base {

// Checks size and CRC-32 at the end. `zip` and `entry` must outlive it.
std::unique_ptr<ByteSource> ZipEntrySource(const ZipFile& zip, const ZipEntry& entry);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_SOURCE_H_
