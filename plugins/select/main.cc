#include "plugins/sdk/plugin.h"
#include "plugins/select/select_plugin.h"

int main(int argc, char** argv) {
  rules_inference::select::SelectPlugin plugin;
  return rules_inference::sdk::PluginMain(argc, argv, plugin);
}
