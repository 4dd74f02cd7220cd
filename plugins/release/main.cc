#include "plugins/release/release_plugin.h"
#include "plugins/sdk/plugin.h"

int main(int argc, char** argv) {
  rules_inference::release::ReleasePlugin plugin;
  return rules_inference::sdk::PluginMain(argc, argv, plugin);
}
