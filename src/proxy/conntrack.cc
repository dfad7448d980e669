#include "proxy/conntrack.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace kpp::proxy {

namespace {

int number(std::string_view text) {
  int out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

}  // namespace

std::vector<Flow> parse_flows(std::string_view text) {
  std::vector<Flow> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    Flow flow;
    flow.protocol = line.substr(0, std::min(line.find(' '), line.size()));
    int sources = 0;
    int source_ports = 0;
    int destinations = 0;
    int destination_ports = 0;
    while (!line.empty()) {
      const auto blank = std::min(line.find(' '), line.size());
      const std::string_view word = line.substr(0, blank);
      line.remove_prefix(std::min(blank + 1, line.size()));
      const auto equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      const auto key = word.substr(0, equals);
      const auto value = word.substr(equals + 1);
      // The first of each is the way there, the second the way back.
      if (key == "src") {
        (++sources == 1 ? flow.source : flow.answering) = value;
      } else if (key == "sport") {
        (++source_ports == 1 ? flow.source_port : flow.answering_port) = number(value);
      } else if (key == "dst") {
        if (++destinations == 1) flow.destination = value;
      } else if (key == "dport") {
        if (++destination_ports == 1) flow.destination_port = number(value);
      }
    }
    if (sources == 2 && source_ports == 2 && destinations == 2) out.push_back(std::move(flow));
  }
  return out;
}

std::vector<Flow> stale_flows(const std::vector<Flow>& flows, const FamilyModel& model,
                              const RuleOptions& options) {
  std::map<std::pair<std::string, int>, std::set<std::string>> by_address;
  std::map<int, std::set<std::string>> by_node_port;
  for (const auto& [name, port] : model.services) {
    if (name.protocol != "UDP") continue;
    std::set<std::string> answering;
    for (const auto& endpoint : model.endpoints_of(name)) {
      if (endpoint.ready || (endpoint.serving && endpoint.terminating))
        answering.insert(endpoint.to_string());
    }
    if (answering.empty()) continue;
    by_address[{port.cluster_ip, port.port}] = answering;
    for (const auto& ip : port.external_ips) by_address[{ip, port.port}] = answering;
    for (const auto& ip : port.load_balancer_ips) by_address[{ip, port.port}] = answering;
    if (port.node_port != 0) by_node_port[port.node_port] = answering;
  }
  const auto on_node = [&](const std::string& ip) {
    return options.node_addresses.empty() ||
           std::find(options.node_addresses.begin(), options.node_addresses.end(), ip) !=
               options.node_addresses.end();
  };
  std::vector<Flow> out;
  for (const auto& flow : flows) {
    if (flow.protocol != "udp") continue;
    const std::set<std::string>* answering = nullptr;
    if (const auto found = by_address.find({flow.destination, flow.destination_port});
        found != by_address.end()) {
      answering = &found->second;
    } else if (const auto port = by_node_port.find(flow.destination_port);
               port != by_node_port.end() && on_node(flow.destination)) {
      answering = &port->second;
    }
    if (answering != nullptr &&
        !answering->contains(host_port(flow.answering, flow.answering_port))) {
      out.push_back(flow);
    }
  }
  return out;
}

}  // namespace kpp::proxy
