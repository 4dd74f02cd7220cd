// A management library of a machine that is not there, for tests. FAKE_NVML says what it has:
// "<driver>;<CUDA release>;<capability>,<capability>...", for example "580.95.05;13000;8.6,9.0";
// "unloaded" is a library without its kernel module.

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

struct Machine {
  std::string driver;
  int cuda = 0;
  std::vector<std::string> devices;
};

Machine ThisMachine() {
  Machine machine;
  const char* value = std::getenv("FAKE_NVML");
  const std::string text = value == nullptr ? "" : value;
  const size_t first = text.find(';');
  if (first == std::string::npos) return machine;
  const size_t second = text.find(';', first + 1);
  machine.driver = text.substr(0, first);
  machine.cuda = std::atoi(text.substr(first + 1, second - first - 1).c_str());
  std::string rest = text.substr(second + 1);
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    machine.devices.push_back(rest.substr(0, comma));
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
  }
  return machine;
}

int Copy(const std::string& text, char* to, unsigned size) {
  if (text.size() + 1 > size) return 7;
  std::memcpy(to, text.c_str(), text.size() + 1);
  return 0;
}

size_t IndexOf(void* device) { return reinterpret_cast<size_t>(device) - 1; }

}  // namespace

extern "C" {

int nvmlInit_v2() { return ThisMachine().driver.empty() ? 9 : 0; }
int nvmlShutdown() { return 0; }
const char* nvmlErrorString(int code) { return code == 999 ? "Unknown Error" : "An Error"; }
int nvmlSystemGetDriverVersion(char* text, unsigned size) {
  return Copy(ThisMachine().driver, text, size);
}
int nvmlSystemGetCudaDriverVersion_v2(int* version) {
  *version = ThisMachine().cuda;
  return 0;
}
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(ThisMachine().devices.size());
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = reinterpret_cast<void*>(static_cast<size_t>(index) + 1);
  return 0;
}
int nvmlDeviceGetCudaComputeCapability(void* device, int* major, int* minor) {
  const std::string capability = ThisMachine().devices.at(IndexOf(device));
  if (capability == "broken") return 999;
  *major = std::atoi(capability.c_str());
  *minor = std::atoi(capability.substr(capability.find('.') + 1).c_str());
  return 0;
}
int nvmlDeviceGetName(void* device, char* text, unsigned size) {
  return Copy("Device " + std::to_string(IndexOf(device)), text, size);
}
int nvmlDeviceGetUUID(void* device, char* text, unsigned size) {
  return Copy("GPU-" + std::to_string(IndexOf(device)) + "0000000", text, size);
}
int nvmlDeviceGetMemoryInfo(void* /*device*/, unsigned long long* memory) {  // NOLINT
  memory[0] = 1ULL << 34;
  memory[1] = memory[2] = 0;
  return 0;
}

}  // extern "C"
