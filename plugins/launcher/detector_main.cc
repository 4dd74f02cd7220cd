// Says what the named providers find on this machine, as JSON: `detector nvidia libc`.

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "plugins/base/real_file_system.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/launcher.pb.h"
#include "plugins/select/provider/detect.h"

int main(int argc, char** argv) {
  namespace sdk = rules_inference::sdk;
  namespace select = rules_inference::select;
  rules_inference::base::RealFileSystem files;
  select::Detection found =
      select::DetectHost(select::RealProbe(files), std::vector<std::string>(argv + 1, argv + argc));
  sdk::LauncherDetection detection;
  *detection.mutable_host() = std::move(found.host);
  for (std::string& note : found.notes) detection.add_notes(std::move(note));
  return std::puts(sdk::ToCanonicalJson(detection).c_str()) < 0 ? 1 : 0;
}
