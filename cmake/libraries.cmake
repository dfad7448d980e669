# Libraries from the distribution, linked statically where it ships an archive, so that one file runs on its own.
find_package(Threads REQUIRED)
find_package(GTest QUIET)

function(kpp_static_library target archive)
  find_library(KPP_LIB_${target} NAMES ${archive} REQUIRED)
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_link_libraries(${target} INTERFACE ${KPP_LIB_${target}} ${ARGN})
endfunction()

kpp_static_library(lib_crypto libcrypto.a dl Threads::Threads)
kpp_static_library(lib_ssl libssl.a lib_crypto)
kpp_static_library(lib_nghttp2 libnghttp2.a)
kpp_static_library(lib_sqlite3 libsqlite3.a dl m Threads::Threads)
kpp_static_library(lib_yaml libyaml.a)
kpp_static_library(lib_zlib libz.a)
kpp_static_library(lib_re2 libre2.a Threads::Threads)

find_library(KPP_BOOST_JSON NAMES libboost_json.a PATHS /usr/lib/x86_64-linux-gnu REQUIRED)
find_library(KPP_BOOST_CONTAINER NAMES libboost_container.a)
add_library(lib_boost_json INTERFACE IMPORTED GLOBAL)
target_link_libraries(lib_boost_json INTERFACE ${KPP_BOOST_JSON})
if(KPP_BOOST_CONTAINER)
  target_link_libraries(lib_boost_json INTERFACE ${KPP_BOOST_CONTAINER})
endif()

# The allocator of the product (docs/decisions says why); sanitizers bring their own.
if(KPP_SANITIZE)
  add_library(lib_allocator INTERFACE IMPORTED GLOBAL)
else()
  kpp_static_library(lib_allocator libjemalloc_pic.a dl m Threads::Threads)
endif()
