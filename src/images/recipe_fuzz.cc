// Recipes and ldd's output are text from outside.
#include <cstddef>
#include <cstdint>

#include "images/elf_files.h"
#include "images/recipe.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)kpp::images::parse_recipe(text);
  (void)kpp::images::parse_ldd(text);
  return 0;
}
