#include "linux/program_pages.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace kpp::sys {
namespace {

int give_back(dl_phdr_info* object, std::size_t /*size*/, void* given) {
  const auto page = static_cast<std::size_t>(::getpagesize());
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    // What can be written holds relocated addresses even where it was protected since.
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) != 0) continue;
    const std::size_t begin = (object->dlpi_addr + part.p_vaddr) / page * page;
    const std::size_t end = object->dlpi_addr + part.p_vaddr + part.p_filesz;
    if (::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED) == 0)
      *static_cast<std::size_t*>(given) += end - begin;
  }
  return 0;
}

}  // namespace

std::size_t give_back_program_pages() {
  std::size_t given = 0;
  ::dl_iterate_phdr(&give_back, &given);
  return given;
}

}  // namespace kpp::sys
