import t from 'tap';
t.ok(1);t.ok(2, 'x');process.kill(process.pid,'SIGKILL');setTimeout(()=>{},1000)