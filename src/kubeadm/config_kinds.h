// Reads the fields of one document into a configuration.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "codec/json.h"
#include "kubeadm/config.h"

namespace kpp::kubeadm {

class FieldReader;

// The version before kApiVersion: still read.
inline constexpr std::string_view kOldApiVersion = "kubeadm.k8s.io/v1beta3";

// One document while it is read: every part reports here.
struct Reading {
  std::string group_version, kind;
  std::vector<std::string> unknown;
  Status status;

  void end(const FieldReader& reader);
  // Of the fields that nobody knew; empty if there are none.
  std::string complaint() const;
};

void read_cluster(const json::Object& document, ClusterConfig& out, Timeouts& timeouts,
                  Reading& reading);
void read_init(const json::Object& document, InitConfig& out, Reading& reading);
void read_join(const json::Object& document, JoinConfig& out, Reading& reading);
void read_reset(const json::Object& document, ResetConfig& out, Reading& reading);

}  // namespace kpp::kubeadm
