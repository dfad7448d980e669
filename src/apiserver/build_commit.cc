#include "apiserver/build_commit.h"

namespace kpp::apiserver {

std::string_view build_commit() {
  return
#include "build_commit.inc"
      ;
}

}  // namespace kpp::apiserver
