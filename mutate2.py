import subprocess
M=[
("choose.ts","    if (held >= 0) this.#give(held, quietest, at);\n",""),
("choose.ts","silence <= longest","false"),
("Slot.ts","if (!follows || sequenceDistance(this.#sequence, sequence) > 0) {","{"),
("rtp.ts","if (value + length > end) return -1;",""),
("rtp.ts","if (short && elementId === 15) return -1;",""),
]
for f,a,b in M:
    p='/tmp/w/voices/server/media/voices/'+f; s=open(p).read()
    if s.count(a)<1: print("NO MATCH",f,a); continue
    open(p,'w').write(s.replace(a,b,1))
    r=subprocess.run("timeout 60 vitest run --project unit tests/unit/voices.test.ts --bail 1 >/dev/null 2>&1",shell=True,cwd='/tmp/w/voices').returncode
    r2=0
    if r==0: r2=subprocess.run("timeout 60 vitest run --project media tests/media/voices.test.ts --bail 1 >/dev/null 2>&1",shell=True,cwd='/tmp/w/voices').returncode
    print("survives" if r==0 and r2==0 else "killed  ",f,a[:60].strip().replace('\n','|'),'->',b[:40].strip())
    open(p,'w').write(s)
