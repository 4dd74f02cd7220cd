#include "listing.h"
#include "plugins/sdk/plugin.h"

int main(int argc, char** argv) {
  e2e_plugin::ListingPlugin plugin;
  return rules_inference::sdk::PluginMain(argc, argv, plugin);
}
