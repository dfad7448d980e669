// Fields that follow a body.
#pragma once

#include "net/http.h"

namespace kpp::net {

// A body that fields follow, as the status of a gRPC call does. HTTP/2 carries them; HTTP/1.1
// leaves them out.
class TrailedSource : public BodySource {
 public:
  // Asked once, after next() has given the end of the body.
  virtual Headers trailers() = 0;
};

}  // namespace kpp::net
