#include "plugins/infer/decode/compression_ratio.h"

#include <string>

#include "absl/log/check.h"
#include "absl/strings/string_view.h"
#include "zlib.h"

namespace rules_inference::infer {

double CompressionRatio(absl::string_view text) {
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::string compressed(size, '\0');
  // The room is enough by the meaning of compressBound, so only memory can be short.
  CHECK_EQ(compress(reinterpret_cast<Bytef*>(compressed.data()), &size,
                    reinterpret_cast<const Bytef*>(text.data()), static_cast<uLong>(text.size())),
           Z_OK);
  return static_cast<double>(text.size()) / static_cast<double>(size);
}

}  // namespace rules_inference::infer
