import t from 'tap'; t.plan(0,'not here')
