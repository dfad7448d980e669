# Compiler flags of every target. One compiler is supported (clang 19); docs/decisions says why.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "k++ is built with clang 19 or newer; use a preset (cmake --preset release), "
                      "which names clang++-19. Found ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}.")
endif()

find_program(KPP_CCACHE ccache)
if(KPP_CCACHE)
  # With these, objects that use a precompiled header are cached too (src/kubelet leaves the header's time out of it).
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${KPP_CCACHE})
endif()

add_compile_options(-Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Wthread-safety
                    -Wno-missing-field-initializers -fno-omit-frame-pointer
                    -ffunction-sections -fdata-sections
                    "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
add_link_options(-fuse-ld=lld-19 -Wl,--gc-sections)

if(KPP_SANITIZE)
  add_compile_options(-fsanitize=${KPP_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${KPP_SANITIZE})
endif()
