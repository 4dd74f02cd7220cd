#include "listing.h"

#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "listing.pb.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/json.h"

namespace e2e_plugin {
namespace {

namespace base = rules_inference::base;
namespace sdk = rules_inference::sdk;

// Sandboxed workers serve requests from directories of their own.
std::string Located(const sdk::Request& request, const std::string& path) {
  return request.sandbox_dir.empty() ? path : absl::StrCat(request.sandbox_dir, "/", path);
}

absl::StatusOr<std::string> Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  // An empty file sets failbit on `content`, and that is fine.
  if (!file.is_open() || file.bad())
    return base::Mismatch("listing", base::Quoted(path), "no file", "a file");
  return content.str();
}

}  // namespace

sdk::PluginDescriptor ListingPlugin::Describe() const {
  sdk::PluginDescriptor descriptor;
  descriptor.set_name("listing");
  descriptor.set_kind("listing");
  descriptor.set_version("1.0.0");
  for (const char* capability : {"cancellation", "multiplex", "sandboxing"})
    descriptor.add_capabilities(capability);
  return descriptor;
}

absl::Status ListingPlugin::Run(const sdk::Request& request, std::string*) {
  ASSIGN_OR_RETURN(const ListingRequest listing,
                   sdk::MergeJsonLines<ListingRequest>(request.lines));
  if (listing.output().empty())
    return base::Mismatch("listing", "request", "no `output`", "a path");

  // Careless libraries print; a worker must not mind.
  std::cout << "listing of " << listing.inputs_size() << " files" << std::endl;

  if (listing.race()) {
    if (request.cancelled == nullptr) {
      std::this_thread::sleep_for(std::chrono::seconds(2));
    } else {
      while (!request.IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      std::cout << "listing cancelled" << std::endl;
      return absl::CancelledError("listing: nobody wants it");
    }
  }

  std::string text = listing.title().empty() ? "" : absl::StrCat("# ", listing.title(), "\n");
  for (const std::string& input : listing.inputs()) {
    ASSIGN_OR_RETURN(const std::string content, Read(Located(request, input)));
    if (listing.max_bytes() > 0 && content.size() > listing.max_bytes()) {
      return base::WithHint(
          base::Mismatch("listing", base::Quoted(input), absl::StrCat(content.size(), " bytes"),
                         absl::StrCat("at most ", listing.max_bytes())),
          "set `max_bytes` of the rule");
    }
    absl::StrAppend(&text, base::Sha256::Of(content).Hex(), "  ", input, "\n");
  }
  std::ofstream file(Located(request, listing.output()), std::ios::binary);
  if (!(file << text << std::flush)) {
    return base::Mismatch("listing", base::Quoted(listing.output()), "no place to write", "a file");
  }
  return absl::OkStatus();
}

}  // namespace e2e_plugin
