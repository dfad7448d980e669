// The configuration file of kube-proxy (KubeProxyConfiguration, kubeproxy.config.k8s.io/v1alpha1).
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "proxy/options.h"

namespace kpp::proxy {

// The settings of a file, with the original's defaults for what is not in it.
struct FileSettings {
  ProxyOptions options;
  std::string kubeconfig;
  int verbosity = 0;
  std::string warning;  // what of the file was passed over: unknown fields, keys that stand twice
};

// As the original, a field that nobody knows or a key that stands twice is a warning, not an error.
// Errors: kBadRequest for what is no such document; kInvalid names the field that is wrong.
Result<FileSettings> parse_settings(std::string_view text);
Result<FileSettings> load_settings(const std::string& path);

}  // namespace kpp::proxy
