#include "plugins/layer/layer_plugin.h"
#include "plugins/sdk/plugin.h"

int main(int argc, char** argv) {
  rules_inference::layer::LayerPlugin plugin;
  return rules_inference::sdk::PluginMain(argc, argv, plugin);
}
