#include "images/elf_files.h"

#include <algorithm>

#include "linux/process.h"

namespace kpp::images {

Result<std::vector<std::string>> parse_ldd(std::string_view text) {
  // "\tlinux-vdso.so.1 (0x..)", "\tlibc.so.6 => /lib/x/libc.so.6 (0x..)", "\t/lib64/ld-linux.so.2
  // (0x..)"
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find("not found") != std::string_view::npos) {
      return fail(Reason::kNotFound, cat("missing library:", line));
    }
    const std::size_t slash = line.find('/');
    const std::size_t address = line.rfind(" (0x");
    if (slash == std::string_view::npos || address == std::string_view::npos || address < slash) {
      continue;
    }
    out.emplace_back(line.substr(slash, address - slash));
  }
  return out;
}

Result<std::vector<std::string>> libraries_of(const std::string& program) {
  sys::ProcessSpec spec;
  spec.argv = {"ldd", program};
  KPP_ASSIGN(const sys::ProcessResult result, sys::run_process(spec));
  // A static program is an error to ldd, and none to us.
  const bool is_static = result.err.find("not a dynamic executable") != std::string::npos ||
                         result.out.find("statically linked") != std::string::npos;
  if (is_static) return std::vector<std::string>();
  if (!result.ok()) return fail(Reason::kIo, cat("ldd ", program, ": ", result.err));
  return parse_ldd(result.out);
}

}  // namespace kpp::images
