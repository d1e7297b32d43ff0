/* deny_new_syscalls.c: runs a program as if the kernel were Linux 3.10: every system call that came
 * later answers ENOSYS.
 *
 *     deny_new_syscalls PROGRAM [ARGUMENT...]
 *
 * The last x86-64 call of Linux 3.10 is finit_module, number 313; later kernels only append
 * numbers, so one comparison in a seccomp filter is the whole list (copy_file_range, getrandom,
 * memfd_create, statx, preadv2, openat2, clone3, close_range, faccessat2, rseq, renameat2, io_uring
 * ...). */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LAST_OF_LINUX_3_10 313
#define CANNOT_DENY 125 /* exit status: the test is to be skipped */

static int deny(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST_OF_LINUX_3_10, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return -1;
    const long answer = syscall(SYS_copy_file_range, -1, NULL, -1, NULL, 1, 0);
    return answer == -1 && errno == ENOSYS ? 0 : -1;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: deny_new_syscalls PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    if (deny() != 0) {
        (void)fprintf(stderr, "system calls cannot be denied here: %s\n", strerror(errno));
        return CANNOT_DENY;
    }
    (void)execv(argv[1], argv + 1);
    (void)fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
    return 1;
}
