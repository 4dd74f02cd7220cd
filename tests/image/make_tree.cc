// Writes the tree artifact of the fixtures: a file, an executable file and a link.

#include <filesystem>
#include <fstream>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path root = argv[1];
  std::filesystem::create_directories(root / "sub");
  std::ofstream(root / "sub" / "file.txt") << "in a tree with a link\n";
  std::ofstream(root / "tool") << "#!/bin/sh\n";
  std::filesystem::permissions(root / "tool", std::filesystem::perms::owner_exec,
                               std::filesystem::perm_options::add);
  std::filesystem::create_symlink("sub/file.txt", root / "link");
  return 0;
}
