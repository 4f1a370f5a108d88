/* nslookup: asks the DNS as a program in the container would, and prints what it says in the usual form.
 *
 *   nslookup [-type=A|AAAA|SRV|PTR|CNAME|TXT|NS|MX|SOA] NAME|ADDRESS [SERVER]
 *
 * busybox's applet asks every search domain and fails when one of them fails, so a short name that resolves ends with 1. This one goes through the search
 * domains of resolv.conf by the C library's own rules (ndots included). Exit 0: there is an answer, 1: there is none. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ANSWER_MAX = 65536 };

static const struct { const char *word; int type; } types[] = {
    {"A", ns_t_a}, {"AAAA", ns_t_aaaa}, {"SRV", ns_t_srv}, {"PTR", ns_t_ptr}, {"CNAME", ns_t_cname}, {"TXT", ns_t_txt}, {"NS", ns_t_ns}, {"MX", ns_t_mx}, {"SOA", ns_t_soa}};

static int type_of(const char *word)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcasecmp(types[i].word, word) == 0) return types[i].type;
    }
    fprintf(stderr, "nslookup: there is no type %s; try A, AAAA, SRV, PTR, CNAME, TXT, NS, MX or SOA\n", word);
    exit(1);
}

/* A compressed name inside an answer, with a final dot as the DNS writes it. */
static void name_at(const ns_msg *answer, const unsigned char *at, char out[NS_MAXDNAME])
{
    if (ns_name_uncompress(ns_msg_base(*answer), ns_msg_end(*answer), at, out, NS_MAXDNAME) < 0) strcpy(out, "?");
    if (strlen(out) + 2 < NS_MAXDNAME) strcat(out, ".");
}

static void print_record(const ns_msg *answer, const ns_rr *record)
{
    const unsigned char *data = ns_rr_rdata(*record);
    size_t length = ns_rr_rdlen(*record);
    char text[NS_MAXDNAME] = "", more[NS_MAXDNAME] = "";
    const char *owner = ns_rr_name(*record);

    switch (ns_rr_type(*record)) {
    case ns_t_a:
    case ns_t_aaaa:
        if (length != (ns_rr_type(*record) == ns_t_a ? 4 : 16)) break;
        inet_ntop(ns_rr_type(*record) == ns_t_a ? AF_INET : AF_INET6, data, text, sizeof text);
        printf("Name:\t%s\nAddress: %s\n", owner, text);
        break;
    case ns_t_srv:
        if (length < 7) break;
        name_at(answer, data + 6, text);
        printf("%s\tservice = %u %u %u %s\n", owner, ns_get16(data), ns_get16(data + 2), ns_get16(data + 4), text);
        break;
    case ns_t_mx:
        if (length < 3) break;
        name_at(answer, data + 2, text);
        printf("%s\tmail exchanger = %u %s\n", owner, ns_get16(data), text);
        break;
    case ns_t_cname:
    case ns_t_ptr:
    case ns_t_ns:
        name_at(answer, data, text);
        printf("%s\t%s = %s\n", owner, ns_rr_type(*record) == ns_t_cname ? "canonical name" : ns_rr_type(*record) == ns_t_ptr ? "name" : "nameserver", text);
        break;
    case ns_t_soa: {
        int used = dn_skipname(data, ns_msg_end(*answer));
        name_at(answer, data, text);
        if (used > 0) name_at(answer, data + used, more);
        printf("%s\n\torigin = %s\n\tmail addr = %s\n", owner, text, more);
        break;
    }
    case ns_t_txt:
        printf("%s\ttext =", owner);
        for (size_t at = 0; at < length && at + 1 + data[at] <= length; at += 1u + data[at]) printf(" \"%.*s\"", data[at], (const char *)data + at + 1);
        printf("\n");
        break;
    default:
        break;
    }
}

/* Prints the answer section; out_name: the name that was found, with its search domain. False: nothing in it. */
static bool print_answer(const unsigned char *bytes, int length, char out_name[NS_MAXDNAME])
{
    ns_msg answer;
    ns_rr record;

    if (length < 0 || ns_initparse(bytes, length, &answer) != 0) return false;
    if (ns_parserr(&answer, ns_s_qd, 0, &record) == 0) snprintf(out_name, NS_MAXDNAME, "%s", ns_rr_name(record));
    for (int i = 0; i < ns_msg_count(answer, ns_s_an); i++) {
        if (ns_parserr(&answer, ns_s_an, i, &record) == 0) print_record(&answer, &record);
    }
    return ns_msg_count(answer, ns_s_an) > 0;
}

/* 10.0.0.1 as 1.0.0.10.in-addr.arpa. False: no address. */
static bool backwards(const char *text, char out[NS_MAXDNAME])
{
    unsigned char four[4], sixteen[16];

    if (inet_pton(AF_INET, text, four) == 1) {
        snprintf(out, NS_MAXDNAME, "%u.%u.%u.%u.in-addr.arpa", four[3], four[2], four[1], four[0]);
        return true;
    }
    if (inet_pton(AF_INET6, text, sixteen) != 1) return false;
    char *at = out;
    for (int i = 15; i >= 0; i--) at += sprintf(at, "%x.%x.", sixteen[i] & 15, sixteen[i] >> 4);
    strcpy(at, "ip6.arpa");
    return true;
}

static bool use_server(const char *name)
{
    struct addrinfo *found = NULL;

    if (getaddrinfo(name, NULL, &(struct addrinfo){.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, &found) != 0) {
        fprintf(stderr, "nslookup: couldn't get address for '%s': not found\n", name);
        return false;
    }
    memcpy(&_res.nsaddr_list[0].sin_addr, &((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr, sizeof(struct in_addr));
    _res.nsaddr_list[0].sin_family = AF_INET;
    _res.nsaddr_list[0].sin_port = htons(NS_DEFAULTPORT);
    _res.nscount = 1;
    freeaddrinfo(found);
    return true;
}

int main(int argc, char **argv)
{
    static unsigned char bytes[ANSWER_MAX];
    const char *name = NULL, *server = NULL;
    char reversed[NS_MAXDNAME], found[NS_MAXDNAME] = "", address[INET_ADDRSTRLEN];
    int type = 0;

    for (int i = 1; i < argc; i++) {
        const char *option = argv[i];
        if (option[0] == '-') {
            const char *value = strchr(option, '=');
            if (value == NULL) {
                fprintf(stderr, "nslookup: %s is not known; usage: nslookup [-type=TYPE] NAME [SERVER]\n", option);
                return 1;
            }
            if (strncmp(option, "-t", 2) == 0 || strncmp(option, "-q", 2) == 0) type = type_of(value + 1); /* -type, -t, -querytype, -q */
        } else if (name == NULL) {
            name = option;
        } else {
            server = option;
        }
    }
    if (name == NULL) {
        fprintf(stderr, "usage: nslookup [-type=TYPE] NAME [SERVER]\n");
        return 1;
    }
    if (res_init() != 0 || (server != NULL && !use_server(server))) return 1;
    inet_ntop(AF_INET, &_res.nsaddr_list[0].sin_addr, address, sizeof address);
    printf("Server:\t\t%s\nAddress:\t%s#%d\n\n", server != NULL ? server : address, address, ntohs(_res.nsaddr_list[0].sin_port));
    bool reverse = (type == 0 || type == ns_t_ptr) && backwards(name, reversed);
    if (reverse) type = ns_t_ptr;

    int length = reverse ? res_query(reversed, ns_c_in, type, bytes, sizeof bytes) : res_search(name, ns_c_in, type != 0 ? type : ns_t_a, bytes, sizeof bytes);
    int trouble = length < 0 ? h_errno : 0;
    bool any = print_answer(bytes, length, found);
    if (type == 0) { /* addresses of both kinds, the second under the name that was found */
        length = found[0] != 0 ? res_query(found, ns_c_in, ns_t_aaaa, bytes, sizeof bytes) : res_search(name, ns_c_in, ns_t_aaaa, bytes, sizeof bytes);
        any = print_answer(bytes, length, found) || any;
    }
    if (any) {
        printf("\n");
        return 0;
    }
    if (trouble == TRY_AGAIN) {
        printf(";; connection timed out; no servers could be reached\n\n");
    } else if (trouble == NO_DATA || trouble == 0) {
        printf("*** Can't find %s: No answer\n\n", name);
    } else {
        printf("** server can't find %s: %s\n\n", reverse ? reversed : name, trouble == HOST_NOT_FOUND ? "NXDOMAIN" : "SERVFAIL");
    }
    return 1;
}
