// The certificate of the node's port where nobody gives one.
#pragma once

#include <string>

#include "base/clock.h"
#include "net/x509.h"

namespace kpp::kubelet {

// What lies in <directory>/kubelet.crt and kubelet.key. If nothing does, a certificate for a year
// is made, of an authority that is for this node alone, and put there. Blocks.
Result<net::x509::KeyPair> own_serving_certificate(const std::string& directory,
                                                   const std::string& host, WallTime now);

}  // namespace kpp::kubelet
