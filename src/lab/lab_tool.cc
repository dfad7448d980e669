// The lab on its own, for tests: `lab_tool lab-init SPEC`, `lab_tool lab ...`, `lab_tool image
// ...`.
#include <cstdio>
#include <string_view>

#include "images/image_commands.h"
#include "lab/lab_commands.h"
#include "lab/node_init.h"

int main(int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "lab-init") return kpp::lab::lab_init_main(argc - 1, argv + 1);
  if (word == "lab") return kpp::lab::lab_main(argc - 1, argv + 1);
  if (word == "image") return kpp::images::image_main(argc - 1, argv + 1);
  std::fputs("usage: lab_tool lab ...\n", stderr);
  return 2;
}
