/* kube_relay: its limits, for its tests. The contract stands in kube/kube.h. */
#ifndef MAKMAL_KUBE_KUBE_RELAY_H
#define MAKMAL_KUBE_KUBE_RELAY_H
#define KUBE_RELAY_MOST 200                   /* connections */
#define KUBE_RELAY_UP (256 * 1024)            /* bytes a second from a learner */
#define KUBE_RELAY_BURST (2 * 1024 * 1024)
#define KUBE_RELAY_IDLE_MS 600000
#define KUBE_RELAY_CONNECT_MS 3000
#endif
