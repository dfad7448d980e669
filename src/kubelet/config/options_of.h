// From a configuration to what the kubelet works with.
#pragma once

#include "kubelet/config/configuration.h"
#include "kubelet/options.h"

namespace kpp::kubelet {

// Puts what the configuration says into the options; what it leaves open stays as it is. Reads the
// client CA. Errors: kInvalid, kNotFound.
Status apply_configuration(const Configuration& config, KubeletOptions& options);

}  // namespace kpp::kubelet
