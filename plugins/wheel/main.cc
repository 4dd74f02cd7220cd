#include "plugins/sdk/plugin.h"
#include "plugins/wheel/wheel_plugin.h"

int main(int argc, char** argv) {
  rules_inference::wheel::WheelPlugin plugin;
  return rules_inference::sdk::PluginMain(argc, argv, plugin);
}
