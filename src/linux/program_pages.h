// What this process holds in memory of its own program file.
#pragma once

#include <cstddef>

namespace kpp::sys {

// Takes the pages of the program and its shared libraries that are only read (code, constants) out
// of this process's memory; the kernel puts each back, from its page cache, when it is used again.
// A component has gone through a third of the program by the time it is up, the kernel has mapped
// sixteen pages around each one used, and hardly any of it runs again. Bytes. A debugger's
// breakpoints are lost.
std::size_t give_back_program_pages();

}  // namespace kpp::sys
