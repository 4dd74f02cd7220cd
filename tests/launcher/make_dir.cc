// Copies files into a directory: `make_dir DIRECTORY [FILE PATH]...`.

#include <filesystem>
#include <iostream>
#include <system_error>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::filesystem::path directory = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::filesystem::path target = directory / argv[i + 1];
    std::error_code error;
    std::filesystem::create_directories(target.parent_path(), error);
    if (!error) std::filesystem::copy_file(argv[i], target, error);
    if (!error) continue;
    std::cerr << "error: make_dir: " << target << ": " << error.message() << "\n";
    return 1;
  }
  return 0;
}
