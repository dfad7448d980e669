#include "proxy/config/configuration.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, unsigned long size) {
  (void)kpp::proxy::parse_settings({reinterpret_cast<const char*>(data), size});
  return 0;
}
